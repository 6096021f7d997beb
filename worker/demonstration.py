"""The demonstration: a clinic submits, a worker cleans, seals and logs, two recipients collect, we search.

It runs the real commands as processes and stops at the first whose exit status is not the expected one.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker.cli.console import say, table
from worker.errors import Unusable, WorkerError

if TYPE_CHECKING:
    import pydicom

    from samples.case import SampleCase

_MARK = ".pseudodont-demo"
_LAB, _AFFILIATE = "lab-nord", "affiliate-sud"
_SHORTEST = 5
_BASIS = 'mechanism = "scc-2021-914-module-2"\nassessment = "tia-2026-03"\n'


@dataclass(frozen=True, slots=True)
class Traces:
    """How often words of the patient were found in how many bytes of how many files."""

    hits: int
    files: int
    size: int


class Demonstration:
    """One run in one folder, which it made or may replace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = folder / "clinic-home"
        self._scans = folder / "clinic-scans"
        self._lab = folder / "lab"

    def tell(self) -> None:
        """Run the story; raises `WorkerError` where a step does not end as it should."""
        self._make_folder()
        case = self._clinic_prepares()
        try:
            self._install()
            self._submit(case)
            self._work()
            self._collect()
            self._compare(case)
            self._search(case)
            self._break()
            self._verify()
        finally:
            self._run("pseudodont-keys", "stop", "--home", str(self._home), quiet=True)
        self._what_next()

    def _make_folder(self) -> None:
        if self._folder.exists():
            if not (self._folder / _MARK).exists():
                raise Unusable("folder-not-ours", "the folder is no demonstration", "name another with --folder")
            if (self._home / "keys").exists():
                self._run("pseudodont-keys", "stop", "--home", str(self._home), quiet=True)
            shutil.rmtree(self._folder)
        self._lab.mkdir(parents=True)
        (self._folder / _MARK).touch()

    def _clinic_prepares(self) -> SampleCase:
        from samples.case import write_case

        _chapter("a clinic has a case", "synthetic scans of an invented patient, identity hidden where it hides")
        case = write_case(self._scans)
        size = sum(path.stat().st_size for path in case.files)
        say(f"{len(case.files)} files, {size / 1e6:.1f} MB, in {self._scans}")
        return case

    def _install(self) -> None:
        _chapter("the clinic installs", "keys, databases, and a key service with its own folder and process")
        self._pseudodont("init", "--clinic", "Zahnzentrum Musterstadt", "--country", "DE")
        basis = self._folder / "basis.toml"
        basis.write_text(_BASIS)
        for name, title, country, role in (
            (_LAB, "Nord Aligner ApS", "DK", "lab"),
            (_AFFILIATE, "Sud Ortodontica SRL", "IT", "affiliate"),
        ):
            identity = self._lab / f"{name}.identity"
            key = self._run("pseudodont", "keygen", "--out", str(identity)).strip()
            recipient = self._lab / f"{name}.recipient"
            recipient.write_text(key)
            add = ["recipient", "add", name, "--name", title, "--country", country, "--role", role]
            self._pseudodont(*add, "--key", str(recipient), "--basis", str(basis))

    def _submit(self, case: SampleCase) -> None:
        _chapter("the clinic submits", "each file is sealed as it arrives, unread; the subject is enrolled")
        paths = [str(path) for path in case.scans]
        to = f"{_LAB},{_AFFILIATE}"
        self._pseudodont("submit", "--to", to, "--order", str(case.order), *paths)

    def _work(self) -> None:
        _chapter("a worker cleans, seals, logs", "every scan in a process that can open nothing")
        self._pseudodont("work", "--until-idle")
        self._pseudodont("status")

    def _collect(self) -> None:
        _chapter("each recipient collects with only its own key", "the same patient has another name at each")
        for name in (_LAB, _AFFILIATE):
            collect = ["collect", "--as", name, "--identity", str(self._lab / f"{name}.identity")]
            collected = self._facts(*collect, "--out", str(self._lab / name))
            for one in collected:
                say(f"{name}: {len(one['files'])} files of {one['pseudonym']}")
                self._pseudodont("acknowledge", one["transfer"])

    def _compare(self, case: SampleCase) -> None:
        _chapter("before and after", "the panoramic's header and two places where names like to hide")
        arrived = next((self._lab / _LAB).iterdir())
        before = next(path for path in case.files if path.name.endswith("_panoramic.dcm"))
        rows = list(_headers(before, arrived / "panoramic.dcm"))
        upper = next(path for path in case.files if path.name.endswith("_UpperJaw.stl"))
        rows.append(("STL header", _text(upper.read_bytes()[:80]), _text((arrived / "upper.stl").read_bytes()[:80])))
        photo = next(path for path in case.files if path.suffix == ".jpg")
        rows.append(("JPEG metadata", _metadata(photo), _metadata(arrived / "photo.jpg")))
        table(("", "at the clinic", "at the lab"), rows)

    def _search(self, case: SampleCase) -> None:
        _chapter("the search for the patient", "every byte, in UTF-8, UTF-16 and the clinic's own character set")
        needles = _needles(case)
        register = self._folder / "register.csv"
        register.write_text(self._pseudodont("ledger", "export", "--format", "csv", quiet=True))
        messages = self._folder / "queue-messages.json"
        messages.write_bytes(self._messages())
        places = (
            ("what the clinic had", list(case.files)),
            ("what the recipients got", _files(self._lab)),
            ("our databases, stores, keys, logs", _files(self._home)),
            ("the ledger's register", [register]),
            ("the queue's messages", [messages]),
        )
        found = [(title, _traces(files, needles)) for title, files in places]
        table(
            ("place", "files", "bytes", "hits"),
            [(title, str(one.files), f"{one.size:,}", str(one.hits)) for title, one in found],
        )
        if found[0][1].hits == 0 or any(one.hits for _, one in found[1:]):
            raise WorkerError("demo-search", "the search did not find what it must", "please report this")

    def _messages(self) -> bytes:
        from dramatiq.brokers.stub import StubBroker

        from worker.actors import declare

        actors = declare(StubBroker(middleware=[]), "demo.transfers", lambda _transfer: None)
        transfers = [one["transfer"] for one in self._facts("status")]
        return b"\n".join(actors.process.message(transfer).encode() for transfer in transfers)

    def _break(self) -> None:
        _chapter("one byte of a package is changed", "it opens to nothing, with exit status 5")
        package = next(path for path in _files(self._home / "store" / "outgoing") if path.suffix == ".age")
        data = bytearray(package.read_bytes())
        data[-1] ^= 1
        broken, nothing = self._folder / "broken.age", self._folder / "nothing"
        broken.write_bytes(data)
        identity = str(self._lab / f"{_LAB}.identity")
        said = self._run("pseudodont", "open", str(broken), "--identity", identity, "--out", str(nothing), status=5)
        if nothing.exists() and any(nothing.iterdir()):
            raise WorkerError("demo-search", "a broken package was opened", "please report this")
        say(*(f"  {line}" for line in said.splitlines()))

    def _verify(self) -> None:
        _chapter("the ledger", "anyone with the log key can check it; a checkpoint kept outside finds a rewrite")
        self._pseudodont("ledger", "list")
        ledger = self._home / "ledger"
        kept = self._folder / "checkpoint-kept-outside"
        shutil.copy(ledger / "checkpoint", kept)
        vkey = str(ledger / "log.vkey")
        self._pseudodont("ledger", "verify", "--vkey", vkey, "--checkpoint", str(kept))

    def _what_next(self) -> None:
        shown = _relative(self._folder)
        _chapter("what to try next", "")
        program = _relative(Path(sys.argv[0]).absolute())
        say(
            f"look at what the lab has:  ls -R {shown}/lab/{_LAB}",
            f"read the log:              {program} --home {shown}/clinic-home ledger export --format json",
            f"make an installation:      {program} init --clinic NAME --country CC",
            f"clean files of your own:   {program} clean FILE --out NEW --report report.json",
        )

    def _pseudodont(self, *arguments: str, quiet: bool = False) -> str:
        return self._run("pseudodont", "--home", str(self._home), *arguments, quiet=quiet)

    def _facts(self, *arguments: str) -> Any:
        return json.loads(self._pseudodont(*arguments, "--json", quiet=True))

    def _run(self, program: str, *arguments: str, quiet: bool = False, status: int = 0) -> str:
        """Run one of our programs and return what it prints; it must end with `status`."""
        if not quiet:
            shown = [_relative(Path(a)) if a.startswith(str(self._folder)) else a for a in arguments]
            say(f"$ {shlex.join([program, *shown])}"[:150])
        module = {"pseudodont": "worker.cli", "pseudodont-keys": "keys.cli"}[program]
        done = subprocess.run(  # noqa: S603 - our own interpreter and modules
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != status:
            raise WorkerError("demo-step", f"a step ended with exit status {done.returncode}", done.stderr.strip())
        if not quiet:
            say(*(f"  {line[:150]}" for line in done.stdout.splitlines()))
        return done.stdout if status == 0 else done.stderr


def _chapter(title: str, subtitle: str) -> None:
    say("", f"== {title}", *([f"   {subtitle}"] if subtitle else []), "")


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _headers(before: Path, after: Path) -> Iterable[tuple[str, str, str]]:
    import pydicom

    old, new = pydicom.dcmread(before), pydicom.dcmread(after)
    for keyword in (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "InstitutionName",
        "StudyInstanceUID",
        "FilterType",
        "ImageComments",
    ):
        values = [str(data.get(keyword, "(gone)"))[:48] or "(empty)" for data in (old, new)]
        yield keyword, values[0], values[1]
    yield "private elements", _private(old), _private(new)
    same = old.PixelData == new.PixelData
    yield "pixel data", f"{len(old.PixelData):,} bytes", "the same bytes" if same else "CHANGED"


def _private(data: pydicom.Dataset) -> str:
    return str(sum(1 for element in data.iterall() if element.tag.is_private))


def _text(data: bytes) -> str:
    text = "".join(chr(byte) if 32 <= byte < 127 else " " for byte in data).strip()
    return text[:48] or "(empty)"


def _metadata(path: Path) -> str:
    from PIL import Image

    with Image.open(path) as picture:
        tags = sum(1 for _ in picture.getexif()) + len(picture.getexif().get_ifd(0x8825))
    return f"{tags} tags" if tags else "none"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _needles(case: SampleCase) -> list[bytes]:
    """Return the patient's own words in every encoding, each at least five letters long."""
    from samples.identities import VISIT

    # The day of the visit may be the day of the demonstration: our own times are not the patient's.
    words = [word for word in case.identity.words() if len(word) >= _SHORTEST and not _is_day(word, VISIT)]
    codecs = ("utf-8", "utf-16-le", "utf-16-be", case.identity.codec)
    return sorted({word.encode(codec, "ignore").lower() for word in words for codec in codecs} - {b""})


def _is_day(word: str, day: str) -> bool:
    digits = "".join(sign for sign in word if sign.isdigit())
    return digits in (day, day[6:] + day[4:6] + day[:4])


def _traces(files: Sequence[Path], needles: Sequence[bytes]) -> Traces:
    """Search names and contents; the lower case of bytes is that of their ASCII letters."""
    hits = size = 0
    for path in files:
        data = path.name.encode() + b"\n" + path.read_bytes()
        folded = data.lower()
        hits += sum(folded.count(needle) for needle in needles)
        size += len(data)
    return Traces(hits, len(files), size)
