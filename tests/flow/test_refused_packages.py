"""A package that is not whole, genuine and meant for this recipient: exit 5, and nothing of it anywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import Done, ask, run, two_lines
from installations import Clinic, installed, scans, worker_of

from worker.actors import performer
from worker.delivery import proof_key
from worker.model import State, TransferId
from worker.reasons import reasons
from worker.sealing import generate_identity
from worker.signing import SigningKey

LABS = ("lab-a", "lab-b")

_OPENS = """
import os, sys
def heard(event, given):
    if event == 'open' and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        print(given[0])
sys.addaudithook(heard)
sys.dont_write_bytecode = True
from worker.cli import main
main()
"""


@dataclass(frozen=True, slots=True)
class Released:
    """Two cases, each released to two labs."""

    clinic: Clinic
    folder: Path
    first: dict[str, TransferId]
    second: dict[str, TransferId]

    def package(self, transfer: TransferId) -> Path:
        """Return the sealed package of a transfer."""
        key = self.clinic.transfer(transfer).object
        assert key is not None
        return self.clinic.home.outgoing / key

    def proof(self, transfer: TransferId) -> Path:
        """Return the proof beside it."""
        key = self.clinic.transfer(transfer).object
        assert key is not None
        return self.clinic.home.outgoing / proof_key(key)

    def identity(self, lab: str) -> Path:
        """Return the identity file of a lab."""
        path = self.folder / f"{lab}.identity"
        path.write_text(self.clinic.labs[lab].text)
        return path

    def collect(self, lab: str, out: Path, *words: str | Path) -> Done:
        """Collect as a lab does."""
        given = ("collect", "--as", lab, "--identity", self.identity(lab), "--out", out)
        return ask("--home", self.clinic.home.path, *given, *words)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    folder = tmp_path_factory.mktemp("refused")
    with installed(folder, LABS) as clinic:
        cases = [clinic.submit(uploads=scans(2)).transfers, clinic.submit(uploads=scans(3)).transfers]
        with worker_of(clinic) as services:
            for name in (name for case in cases for name in case):
                performer(services)(name)
        named = [{str(clinic.transfer(name).recipient): name for name in case} for case in cases]
        yield Released(clinic, folder, *named)


def opened(released: Released, package: Path, out: Path, *words: str | Path, lab: str = "lab-a") -> Done:
    return ask("open", package, "--identity", released.identity(lab), "--out", out, *words)


def refused(done: Done, out: Path) -> str:
    """Return the code of a refusal after which there is nothing in `out` nor beside it."""
    assert done.status == 5, done.said
    assert not out.exists() or not list(out.iterdir())
    assert not [path.name for path in out.parent.iterdir() if "partial" in path.name]
    code = two_lines(done)
    assert code in reasons()
    return code


def has_already(out: Path, transfer: TransferId) -> Path:
    """Return a lab's folder in which one transfer is already."""
    (out / transfer).mkdir(parents=True)
    return out


def test_the_package_as_it_is_opens(released: Released, tmp_path: Path) -> None:
    package = released.package(released.first["lab-a"])
    vkey = released.clinic.home.sender_vkey
    done = opened(released, package, tmp_path / "out", "--vkey", vkey, "--json")
    assert done.status == 0
    assert done.facts["sender_verified"] is True
    assert not done.err


def test_another_identity_opens_nothing(released: Released, tmp_path: Path) -> None:
    package = released.package(released.first["lab-a"])
    assert refused(opened(released, package, tmp_path / "out", lab="lab-b"), tmp_path / "out") == "wrong-key"
    (tmp_path / "stranger").write_text(generate_identity().text)
    done = ask("open", package, "--identity", tmp_path / "stranger", "--out", tmp_path / "out")
    assert refused(done, tmp_path / "out") == "wrong-key"


def test_every_flipped_bit_is_found_the_last_one_too(released: Released, tmp_path: Path) -> None:
    data = released.package(released.first["lab-a"]).read_bytes()
    spread = [len(data) * part // 40 for part in range(40)]
    for place in sorted({*spread, 21, 22, 200, len(data) - 17, len(data) - 16, len(data) - 1}):
        damaged = bytearray(data)
        damaged[place] ^= 1 << (place % 8)
        (tmp_path / "package.age").write_bytes(damaged)
        assert refused(opened(released, tmp_path / "package.age", tmp_path / "out"), tmp_path / "out")


@pytest.mark.parametrize("left", [0, 1, 21, 100, -1, -16, -17, -4000])
def test_a_truncated_package_is_refused(left: int, released: Released, tmp_path: Path) -> None:
    (tmp_path / "package.age").write_bytes(released.package(released.first["lab-a"]).read_bytes()[:left])
    assert refused(opened(released, tmp_path / "package.age", tmp_path / "out"), tmp_path / "out")


def test_bytes_behind_the_end_are_refused(released: Released, tmp_path: Path) -> None:
    (tmp_path / "package.age").write_bytes(released.package(released.first["lab-a"]).read_bytes() + b"\0")
    assert refused(opened(released, tmp_path / "package.age", tmp_path / "out"), tmp_path / "out")


def test_a_folder_with_something_in_it_stays_as_it_is(released: Released, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    done = opened(released, released.package(released.first["lab-a"]), tmp_path / "out")
    assert (done.status, two_lines(done)) == (5, "out-not-empty")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_sender_who_is_not_the_one_trusted_is_refused(released: Released, tmp_path: Path) -> None:
    stranger = SigningKey.generate("pseudodont/de/praxis-nirgendsheim").vkey
    package = released.package(released.first["lab-a"])
    assert refused(opened(released, package, tmp_path / "out", "--vkey", stranger), tmp_path / "out") == "other-sender"
    before = len(released.clinic.entries())
    assert refused(released.collect("lab-a", tmp_path / "lab", "--vkey", stranger), tmp_path / "lab") == "other-sender"
    assert len(released.clinic.entries()) == before


def test_without_a_trusted_sender_the_command_says_that_it_is_only_claimed(released: Released, tmp_path: Path) -> None:
    done = opened(released, released.package(released.first["lab-a"]), tmp_path / "out")
    assert done.status == 0
    assert "only claimed" in done.err


def _flip_package(released: Released) -> None:
    path = released.package(released.first["lab-a"])
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _cut_package(released: Released) -> None:
    path = released.package(released.first["lab-a"])
    path.write_bytes(path.read_bytes()[:-300])


def _package_of_another_lab(released: Released) -> None:
    shutil.copy(released.package(released.first["lab-b"]), released.package(released.first["lab-a"]))


def _package_and_proof_of_another_lab(released: Released) -> None:
    _package_of_another_lab(released)
    shutil.copy(released.proof(released.first["lab-b"]), released.proof(released.first["lab-a"]))


def _package_and_proof_of_another_case(released: Released) -> None:
    shutil.copy(released.package(released.second["lab-a"]), released.package(released.first["lab-a"]))
    shutil.copy(released.proof(released.second["lab-a"]), released.proof(released.first["lab-a"]))


def _no_proof(released: Released) -> None:
    released.proof(released.first["lab-a"]).unlink()


def _edited_proof(released: Released) -> None:
    path = released.proof(released.first["lab-a"])
    lines = path.read_text().split("\n")
    place = next(number for number, line in enumerate(lines) if line.startswith("index "))
    lines[place] = f"index {int(lines[place].split()[1]) + 1}"
    path.write_text("\n".join(lines))


def _flipped_proof(released: Released) -> None:
    path = released.proof(released.first["lab-a"])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x80
    path.write_bytes(data)


def _proof_that_is_no_text(released: Released) -> None:
    released.proof(released.first["lab-a"]).write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    "attack",
    [
        _flip_package,
        _cut_package,
        _package_of_another_lab,
        _package_and_proof_of_another_lab,
        _package_and_proof_of_another_case,
        _no_proof,
        _edited_proof,
        _flipped_proof,
        _proof_that_is_no_text,
    ],
    ids=lambda attack: str(attack.__name__),
)
def test_a_store_that_was_tampered_with_hands_out_nothing(attack: object, released: Released, tmp_path: Path) -> None:
    transfer = released.first["lab-a"]
    kept = tmp_path / "kept"
    shutil.copytree(released.package(transfer).parent, kept)
    before = released.clinic.entries()
    try:
        assert callable(attack)
        attack(released)
        out = has_already(tmp_path / "lab", released.second["lab-a"])
        done = released.collect("lab-a", out)
    finally:
        shutil.rmtree(released.package(transfer).parent)
        shutil.copytree(kept, released.package(transfer).parent)
    assert done.status == 5
    assert two_lines(done) in reasons()
    assert [path.name for path in out.iterdir()] == [released.second["lab-a"]]
    assert released.clinic.entries() == before
    assert released.clinic.transfer(transfer).state is State.PUBLISHED


def test_one_bad_package_does_not_keep_back_the_others(released: Released, tmp_path: Path) -> None:
    package = released.package(released.first["lab-b"])
    data = package.read_bytes()
    package.write_bytes(data[:-1])
    try:
        done = released.collect("lab-b", tmp_path / "lab")
    finally:
        package.write_bytes(data)
    assert done.status == 5
    assert [path.name for path in (tmp_path / "lab").iterdir()] == [released.second["lab-b"]]
    assert released.clinic.transfer(released.first["lab-b"]).state is State.PUBLISHED
    assert released.clinic.transfer(released.second["lab-b"]).state is State.COLLECTED


def test_somebody_elses_package_cannot_be_collected_under_ones_own_name(released: Released, tmp_path: Path) -> None:
    words = ("--identity", released.identity("lab-b"), "--out", tmp_path / "out")
    done = ask("--home", released.clinic.home.path, "collect", "--as", "lab-a", *words)
    assert refused(done, tmp_path / "out") == "wrong-key"


def test_a_package_that_is_gone_is_unavailable_and_not_collected(released: Released, tmp_path: Path) -> None:
    package = released.package(released.first["lab-a"])
    aside = package.rename(tmp_path / "aside")
    before = len(released.clinic.entries())
    try:
        done = released.collect("lab-a", has_already(tmp_path / "lab", released.second["lab-a"]))
    finally:
        aside.rename(package)
    assert (done.status, two_lines(done)) == (1, "object-missing")
    assert not (tmp_path / "lab" / released.first["lab-a"]).exists()
    assert len(released.clinic.entries()) == before


@pytest.mark.parametrize("command", ["open", "collect"])
def test_no_clear_byte_is_left_in_the_folder_for_temporary_files(
    command: str, released: Released, tmp_path: Path
) -> None:
    (tmp_path / "temporary").mkdir()
    places = {name: str(tmp_path / "temporary") for name in ("TMPDIR", "TEMP", "TMP")}
    transfer = released.second["lab-b"]
    data = bytearray(released.package(transfer).read_bytes())
    good = released.package(transfer).read_bytes()
    data[-1] ^= 1
    identity = released.identity("lab-b")
    released.package(transfer).write_bytes(data)
    try:
        if command == "open":
            given: tuple[str | Path, ...] = ("open", released.package(transfer))
        else:
            given = ("--home", released.clinic.home.path, "collect", "--as", "lab-b")
        (tmp_path / "out").mkdir()
        # The other case of this lab is whole and may have been collected first.
        done = run(*given, "--identity", identity, "--out", tmp_path / "out", environment=places)
    finally:
        released.package(transfer).write_bytes(good)
    assert done.status == 5
    assert not list((tmp_path / "temporary").iterdir())
    assert not (tmp_path / "out" / transfer).exists()
    assert not list((tmp_path / "out").glob(".*"))


def test_a_damaged_package_opens_no_file_for_writing(released: Released, tmp_path: Path) -> None:
    damaged = bytearray(released.package(released.first["lab-a"]).read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "package.age").write_bytes(damaged)
    words = ("open", tmp_path / "package.age", "--identity", released.identity("lab-a"), "--out", tmp_path / "out")
    command = [sys.executable, "-c", _OPENS, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (5, "")


def test_what_was_refused_can_be_collected_once_the_store_is_restored(released: Released, tmp_path: Path) -> None:
    done = released.collect("lab-a", tmp_path / "lab", "--json")
    assert done.status == 0
    assert {one["transfer"] for one in done.facts} == {released.first["lab-a"], released.second["lab-a"]}
    assert released.clinic.verdict().holds


def test_a_package_of_bytes_that_are_none_is_refused_when_a_sender_is_asked_for(
    released: Released, tmp_path: Path
) -> None:
    (tmp_path / "note").write_text("a note")
    recipient = released.clinic.labs["lab-a"].recipient.text
    assert ask("seal", tmp_path / "note", "--to", recipient, "--out", tmp_path / "note.age").status == 0
    plain = opened(released, tmp_path / "note.age", tmp_path / "plain")
    assert plain.status == 0
    assert (tmp_path / "plain" / "payload").read_text() == "a note"
    vkey = released.clinic.home.sender_vkey
    done = opened(released, tmp_path / "note.age", tmp_path / "out", "--vkey", vkey)
    assert refused(done, tmp_path / "out") == "not-a-package"
