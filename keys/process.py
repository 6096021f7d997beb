"""The life of the one process that serves an installation: started once, found, ended.

Who serves is decided by a lock that the kernel releases with the process, however it ends. A socket
that is there while nobody holds the lock is stale.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from keys.client import answering
from keys.errors import KeysMisconfigured, KeysUnavailable, reported
from keys.places import Places, private_folder

if TYPE_CHECKING:
    import uvicorn

_log = logging.getLogger("keys")

_PATIENCE = 15.0
_BETWEEN = 0.05
_WATCH = 2.0
_BACKLOG = 256


@dataclass(frozen=True, slots=True)
class Status:
    """What `pseudodont-keys status` says."""

    running: bool
    pid: int | None
    socket: str
    initialised: bool


def status(home: Path) -> Status:
    """Return whether a key service answers for `home`."""
    places = Places.below(home)
    pid = answering(home)
    return Status(pid is not None, pid, str(places.socket), places.kek.exists())


def serve(home: Path) -> None:
    """Serve until a signal ends it, or return at once where another process already does."""
    places = _initialised(home)
    os.umask(0o077)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with _lock(places) as held:
            if held:
                _serve(places)
                return
        if answering(home) is not None:
            return
        time.sleep(_BETWEEN)
    raise KeysUnavailable("keys-not-started")


def start(home: Path) -> None:
    """Return when a key service answers for `home`, started in the background where there was none."""
    if answering(home) is not None:
        return
    _initialised(home)
    command = [sys.executable, "-P", "-m", "keys.cli", "serve", "--home", str(home.resolve())]
    quiet = subprocess.DEVNULL
    with tempfile.TemporaryFile() as faults:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=quiet, stdout=quiet, stderr=faults, cwd="/", start_new_session=True
        )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and child.poll() in (None, 0):
            if answering(home) is not None:
                return
            time.sleep(_BETWEEN)
        faults.seek(0)
        raise reported(faults.read().decode("utf-8", "replace"), child.returncode)


def stop(home: Path) -> bool:
    """Return when no key service runs for `home`; say whether one did."""
    places = Places.below(home)
    if _free(places):
        return False
    pid = answering(home) or _named_in_lock(places)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if _free(places):
            return True
        time.sleep(_BETWEEN)
    raise KeysUnavailable("keys-not-stopped")


def _serve(places: Places) -> None:
    import uvicorn

    from keys import app, logs
    from keys.service import application

    logs.to_file(places.log)
    services = app.open_services(places, clock=app.now)
    listening = _listen(places.socket)
    server = uvicorn.Server(
        uvicorn.Config(
            application(services),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=5,
        )
    )
    # uvicorn handles signals only while it runs, and repeats them afterwards: before that they must not
    # be lost, and after it there is nothing left for them to end.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, server.handle_exit)
    _log.info("serving", extra={"pid": os.getpid()})
    Thread(target=_outlive_no_home, args=(places.lock, server), daemon=True).start()
    server.run(sockets=[listening])
    places.socket.unlink(missing_ok=True)
    services.table.database.close()
    _log.info("stopped", extra={"pid": os.getpid()})


def _outlive_no_home(lock: Path, server: uvicorn.Server) -> None:
    """End the service once its installation is deleted or replaced: nobody could stop it any more."""
    own = lock.stat().st_ino
    while _inode(lock) == own:
        time.sleep(_WATCH)
    server.should_exit = True


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _listen(path: Path) -> socket.socket:
    private_folder(path.parent)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen(_BACKLOG)
    return listening


@contextmanager
def _lock(places: Places) -> Iterator[bool]:
    """Give whether this process now holds the installation's lock."""
    handle = os.open(places.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield True
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _free(places: Places) -> bool:
    """Say whether nobody holds the lock; shared, so that two who ask do not meet each other."""
    try:
        handle = os.open(places.lock, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def _named_in_lock(places: Places) -> int | None:
    text = places.lock.read_text()
    return int(text) if text.isdecimal() else None


def _initialised(home: Path) -> Places:
    places = Places.below(home)
    if not places.kek.exists():
        raise KeysMisconfigured("not-initialised")
    return places
