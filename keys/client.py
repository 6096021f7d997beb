"""The worker's side of the key service: typed questions over a Unix socket.

The only module of `keys` that another package imports; it loads neither the service nor its database.
Every door may be asked again with the same request: the answer is the same and nothing is doubled.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from keys.credentials import Credentials
from keys.errors import KeysError, KeysMisconfigured, KeysRefused, KeysUnavailable, reported
from keys.model import Assignment, Enrolment, Facts, NamedTransfer, Subject
from keys.places import check_socket, socket_path

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Assignment",
    "Credentials",
    "Enrolment",
    "Facts",
    "KeyClient",
    "KeysError",
    "KeysMisconfigured",
    "KeysRefused",
    "KeysUnavailable",
    "NamedTransfer",
    "Subject",
    "answering",
    "initialise",
    "socket_path",
    "start_service",
]

_NEEDS_A_PERSON = (
    "credentials-damaged",
    "folder-not-private",
    "keys-damaged",
    "not-initialised",
    "settings-invalid",
)


class KeyClient:
    """Asks the doors it was given credentials for; safe to share between threads, and across a fork."""

    def __init__(
        self,
        socket: Path,
        enrol: str | None = None,
        facts: str | None = None,
        assignment: str | None = None,
        timeout: float = 5.0,
    ) -> None:
        self._socket = socket
        self._enrol = enrol
        self._facts = facts
        self._assignment = assignment
        self._timeout = timeout
        self._guard = threading.Lock()
        self._opened: tuple[int, httpx.Client] | None = None

    def enrol(self, enrolment: Enrolment) -> None:
        """Make the case and its transfers known; refuse another enrolment of the same case."""
        self._ask("enrol", self._enrol, _enrolment(enrolment))

    def facts(self, transfer_id: str) -> Facts:
        """Return what may be known of the subject of an open transfer."""
        return _facts(self._ask("facts", self._facts, {"transfer_id": transfer_id}))

    def assignment(self, transfer_id: str) -> Assignment:
        """Return the assignment for an open transfer: ever the same for one subject and domain."""
        return _assignment(self._ask("assignment", self._assignment, {"transfer_id": transfer_id}))

    def close(self, transfer_id: str) -> None:
        """End the transfer: facts and assignment no longer answer for it."""
        self._ask("close", self._assignment, {"transfer_id": transfer_id})

    def _ask(self, door: str, token: str | None, body: dict[str, object]) -> dict[str, object]:
        given = (token or "").strip()
        if not given.isascii() or not given.isprintable() or not given:
            raise KeysRefused("wrong-credential")
        check_socket(self._socket)
        return _read(_post(self._client(), door, given, body))

    def _client(self) -> httpx.Client:
        """Return this process's own connections: those of a parent must not be shared after a fork."""
        with self._guard:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), _connections(self._socket, self._timeout))
            return self._opened[1]


def _connections(socket: Path, timeout: float) -> httpx.Client:
    import httpx

    # A bare TLS context: there is no TLS on a Unix socket, and loading authorities takes longer than asking.
    transport = httpx.HTTPTransport(uds=str(socket), verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return httpx.Client(transport=transport, base_url="http://keys", timeout=timeout, trust_env=False)


def _post(client: httpx.Client, door: str, token: str, body: dict[str, object]) -> httpx.Response:
    """Send, and once more where an idle connection was dead: every door may be asked again."""
    import httpx

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    # All ASCII, so that text which is none (a lone surrogate) is refused by the door and not quoted here.
    content = json.dumps(body).encode()

    def send() -> httpx.Response:
        return client.post(f"/v1/{door}", content=content, headers=headers)

    try:
        try:
            return send()
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            return send()
    except httpx.TimeoutException:
        raise KeysUnavailable("keys-timeout") from None
    except httpx.HTTPError:
        raise KeysUnavailable("keys-down") from None


def _read(response: httpx.Response) -> dict[str, object]:
    if response.status_code == 204:
        return {}
    try:
        body = response.json()
    except ValueError:
        raise KeysUnavailable("keys-failing") from None
    if not isinstance(body, dict):
        raise KeysUnavailable("keys-failing")
    if response.status_code == 200:
        return body
    code = str(body.get("code", "keys-failing"))
    raise KeysUnavailable(code) if response.status_code >= 500 else KeysRefused(code)


def _enrolment(enrolment: Enrolment) -> dict[str, object]:
    return {
        "case_id": enrolment.case_id,
        "subject": {name: getattr(enrolment.subject, name) for name in Subject.__slots__},
        "transfers": [
            {
                "transfer_id": t.transfer_id,
                "domain": t.domain,
                "expires": t.expires.astimezone(UTC).isoformat(),
            }
            for t in enrolment.transfers
        ],
    }


def _facts(body: dict[str, object]) -> Facts:
    match body:
        case {"subject_commitment": str(commitment)}:
            return Facts(commitment)
    raise KeysUnavailable("keys-failing")


def _assignment(body: dict[str, object]) -> Assignment:
    match body:
        case {"pseudonym": str(pseudonym), "uid_key": str(key), "date_shift_days": int(days)}:
            return Assignment(pseudonym, bytes.fromhex(key), days)
    raise KeysUnavailable("keys-failing")


def answering(home: Path) -> int | None:
    """Return the process id of the key service that answers for `home`, if one does."""
    import httpx

    try:
        check_socket(socket_path(home))
        with _connections(socket_path(home), timeout=2.0) as client:
            return int(client.get("/v1/health").json()["pid"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None


def start_service(home: Path, timeout: float = 15.0) -> None:
    """Return when a key service answers for `home`, started here where there was none."""
    if answering(home) is None:
        _run(home, "serve", "--detach", timeout=timeout)


def initialise(home: Path, into: Path | None = None) -> Credentials:
    """Set up the key service in `home` and return its credentials, which nobody can ask for again.

    With `into`, they are also in that folder, `into/<door>`, before the installation exists: where a crash
    came between, either both are there or the call may be repeated.
    """
    kept = () if into is None else ("--into", str(into.resolve()))
    return Credentials.from_json(_run(home, "initialise", *kept, timeout=60.0))


def _run(home: Path, *arguments: str, timeout: float) -> str:
    command = [sys.executable, "-P", "-m", "keys.cli", *arguments, "--home", str(home.resolve())]
    essentials = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            env=essentials,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise KeysUnavailable("keys-not-started") from None
    if done.returncode == 0:
        return done.stdout
    raise reported(done.stderr, done.returncode)
