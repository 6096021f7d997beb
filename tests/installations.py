"""Whole installations for tests: a home with its key service, labs with keys, small cases, workers.

`with installed(tmp_path) as clinic:` gives one; `clinic.submit()` hands in a case and returns its transfers,
`clinic.work()` runs `pseudodont work --until-idle` as its own process, and `released_once` says what must
hold of a transfer whatever happened on the way.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keys import process as key_process
from keys.client import answering
from worker import app, cases, directory, handover, intake, ledger, recipients
from worker.database import transaction
from worker.installation import install, read_vkey
from worker.intake import Accepted, Reception, Upload
from worker.model import Role, State, Transfer, TransferId
from worker.queue import Pace, serve
from worker.records import Entry
from worker.sealing import Identity, generate_identity
from worker.services import Records, Services
from worker.settings import Home
from worker.signing import VerifyKey

SURNAME, GIVEN, PATIENT, PHONE = "Xylanderquist", "Ottokarine", "PX-00417733", "+49 30 99887766"
"""Who the cases are about: words that are nowhere else."""

Value = str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]


def order(**changes: Value) -> bytes:
    """Return an order as JSON; `changes` replace its fields, and `patient` adds to the patient's."""
    person: dict[str, Value] = {
        "id": PATIENT,
        "family_name": SURNAME,
        "given_name": GIVEN,
        "birth_date": "1991-07-13",
        "phone": PHONE,
    }
    added = changes.pop("patient", {})
    assert isinstance(added, Mapping)
    content = {"patient": {**person, **added}, "prescription": {"arches": "both", "notes": "align 12 to 22"}}
    return json.dumps({**content, **changes}).encode()


def surface(triangles: int = 4, header: str = "") -> bytes:
    """Return a binary STL of `84 + 50 * triangles` bytes, with words in its header."""
    corners = [struct.pack("<12fH", 0, 0, 1, 0, 0, n, 1, 0, n, 0, 1, n, 0) for n in range(triangles)]
    return header.encode().ljust(80)[:80] + struct.pack("<I", triangles) + b"".join(corners)


def upload(name: str, data: bytes) -> Upload:
    """Return a file to hand in."""
    return Upload(name, [data])


def scans(count: int = 2) -> list[Upload]:
    """Return so many small surfaces that name the patient in header and file name."""
    return [upload(f"{SURNAME}_{n}.stl", surface(4 + n, f"{GIVEN} {SURNAME} {PATIENT}")) for n in range(count)]


@dataclass(frozen=True, slots=True)
class Clinic:
    """An installation, and the identities of the labs it knows."""

    home: Home
    labs: Mapping[str, Identity]

    def records(self) -> Records:
        """Return what reading and deciding takes."""
        return app.records(self.home)

    def reception(self) -> Reception:
        """Return what accepting a case takes; the key service runs afterwards."""
        return app.reception(self.home)

    def submit(
        self, to: Sequence[str] = (), uploads: Iterable[Upload] | None = None, told: bytes | None = None
    ) -> Accepted:
        """Hand in a case to `to`, else to every lab, signed into the ledger as `pseudodont submit` does."""
        accepted = intake.accept(
            self.reception(),
            order() if told is None else told,
            to or list(self.labs),
            scans() if uploads is None else uploads,
        )
        records = self.records()
        with transaction(records.engine) as connection:
            ledger.sign(connection, records.log_key)
        return accepted

    def command(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `pseudodont` for this home."""
        line, none = self._line(*arguments), subprocess.DEVNULL
        return subprocess.run(line, capture_output=True, text=True, timeout=timeout, check=False, stdin=none)

    def started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `pseudodont` for this home and return its process."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self._line(*arguments), stdin=quiet, stdout=quiet, stderr=quiet)

    def work(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a worker process until nothing is left to do."""
        return self.command("work", "--until-idle", *options)

    def stop_keys(self) -> None:
        """No key service runs for this home."""
        key_process.stop(self.home.path)

    def keys_pid(self) -> int | None:
        """Return the process of the key service, if one answers."""
        return answering(self.home.path)

    def transfer(self, name: TransferId) -> Transfer:
        """Return the transfer as it stands."""
        with transaction(self.records().engine) as connection:
            found = cases.get(connection, name)
        assert found is not None
        return found

    def transfers(self) -> list[Transfer]:
        """Return every transfer, the oldest first."""
        with transaction(self.records().engine) as connection:
            return cases.transfers(connection)

    def history(self, name: TransferId) -> list[Entry]:
        """Return the ledger's entries of a transfer, the oldest first."""
        with transaction(self.records().engine) as connection:
            return [recorded.entry for recorded in ledger.history(connection, name)]

    def entries(self) -> list[Entry]:
        """Return every entry of the ledger."""
        with transaction(self.records().engine) as connection:
            return [recorded.entry for recorded in ledger.entries(connection)]

    def verdict(self, *checkpoints: str) -> ledger.Verdict:
        """Return what verification finds, with the clinic's published checkpoint as one kept outside."""
        kept = [self.home.checkpoint.read_text()] if self.home.checkpoint.exists() else []
        with transaction(self.records().engine) as connection:
            return ledger.verify(connection, [self.log_key()], [*kept, *checkpoints])

    def log_key(self) -> VerifyKey:
        """Return the key that the ledger is verified with."""
        return VerifyKey.parse(read_vkey(self.home.log_vkey))

    def trust(self) -> handover.Trust:
        """Return what a lab believes."""
        return handover.Trust(VerifyKey.parse(read_vkey(self.home.sender_vkey)), self.log_key())

    def collect(self, lab: str, out: Path) -> list[handover.Collected]:
        """Bring the lab's packages into `out`, verified and open."""
        return handover.collect(self.records(), lab, [self.labs[lab]], out, self.trust())

    def _line(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "worker.cli", "--home", str(self.home.path), *arguments]


@contextmanager
def installed(folder: Path, labs: Sequence[str] = ("lab-a",), queue: str = "") -> Iterator[Clinic]:
    """Give an installation in a new folder below `folder`; no key service of it runs afterwards.

    `queue` is the text of the `[queue]` section of its settings, if it is not the embedded one.
    """
    home = Home(Path(tempfile.mkdtemp(prefix="home-", dir=folder)))
    install(home, "Praxis Nirgendsheim", "DE")
    if queue:
        with home.settings.open("a") as settings:
            settings.write(f"\n[queue]\n{queue}\n")
    clinic = Clinic(home, {name: generate_identity() for name in labs})
    for name in labs:
        add_lab(clinic, name)
    try:
        yield clinic
    finally:
        clinic.stop_keys()


def add_lab(clinic: Clinic, name: str) -> None:
    """Make one of the clinic's labs known to its installation."""
    new = recipients.recipient(
        name, legal_name=f"Labor {name}", country="CN", role=Role.LAB, key=clinic.labs[name].recipient.text, basis=None
    )
    directory.add_recipient(clinic.records(), new)


class Clock:
    """The present moment, moved on as far as a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """Return the time by this clock."""
        return datetime.now(UTC) + self.ahead


@contextmanager
def worker_of(clinic: Clinic, clock: Clock | None = None) -> Iterator[Services]:
    """Give what a worker inside this process is given; the key service runs."""
    app.start_keys(clinic.home)
    with app.services(clinic.home) as services:
        records = services.records if clock is None else replace(services.records, now=clock)
        yield replace(services, records=records)


def work_until_idle(services: Services) -> None:
    """Work inside this process until nothing is left to do, as `pseudodont work --until-idle` does."""
    serve(services, Pace(until_idle=True, should_stop=lambda: False))


def objects(clinic: Clinic, transfer: TransferId) -> list[str]:
    """Return the keys of everything in the outgoing store for a transfer, partials too."""
    return [one.key for one in clinic.records().outgoing.list(transfer)]


def released_once(clinic: Clinic, name: TransferId) -> None:
    """Fail unless the transfer is published, exactly once, with one package and its proof, and nothing beside."""
    transfer = clinic.transfer(name)
    assert transfer.state is State.PUBLISHED
    assert transfer.object is not None
    events = [str(entry.event) for entry in clinic.history(name)]
    assert [events.count(event) for event in ("received", "released", "published")] == [1, 1, 1]
    assert objects(clinic, name) == [transfer.object, transfer.object.removesuffix(".age") + ".tlog-proof"]


def opens_for_its_lab(clinic: Clinic, transfers: Iterable[TransferId], out: Path) -> None:
    """Fail unless the lab of each published transfer collects a package whose manifest names it."""
    found = {name: clinic.transfer(name) for name in transfers}
    for lab in {str(one.recipient) for one in found.values()}:
        collected = {one.transfer.id: one for one in clinic.collect(lab, out / lab)}
        for name in (name for name, one in found.items() if one.recipient == lab):
            opened = collected[name].opened
            assert opened.manifest is not None
            assert opened.sender_verified
            assert opened.manifest.statement.transfer == name
