"""One held scan holds the whole transfer, for every recipient; a person looks, lets go on, takes out, or rejects."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from command_line import Done, ask, two_lines
from dicom_objects import as_file, read
from installations import GIVEN, PATIENT, SURNAME, Clinic, installed, order, released_once, surface, upload, worker_of
from PIL import Image
from studies import PLANTED, film, radiograph

from worker.actors import performer
from worker.intake import Upload
from worker.model import State, TransferId
from worker.reasons import reasons
from worker.records import Event
from worker.services import Services

LABS = ("lab-a", "lab-b")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("held"), LABS) as made:
        yield made


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Iterator[Services]:
    with worker_of(clinic) as services:
        yield services


def photograph() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "JPEG")
    return out.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def worked(clinic: Clinic, worker: Services, uploads: Sequence[Upload], told: bytes | None = None) -> list[TransferId]:
    """Hand in a case for both labs and let a worker try it once."""
    transfers = list(clinic.submit(uploads=uploads, told=told).transfers)
    for name in transfers:
        performer(worker)(name)
    return transfers


def again(worker: Services, transfer: TransferId) -> None:
    performer(worker)(transfer)


def codes(clinic: Clinic, transfer: TransferId) -> list[tuple[str, str]]:
    """Return the held scans of a transfer and why, as `held --json` says it."""
    (found,) = [one for one in asked(clinic, "held", "--json").facts if one["transfer"] == transfer]
    assert found["state"] == "held"
    return [(hold["scan"], hold["code"]) for hold in found["holds"]]


def asked(clinic: Clinic, *words: str | Path) -> Done:
    return ask("--home", clinic.home.path, *words)


def files_of(clinic: Clinic, transfer: TransferId, out: Path) -> set[str]:
    """Return what a lab finds of its transfer."""
    lab = clinic.transfer(transfer).recipient
    (collected,) = [one for one in clinic.collect(lab, out / lab) if one.transfer.id == transfer]
    assert collected.opened.manifest is not None
    return {file.path for file in collected.opened.manifest.files}


def test_a_picture_nobody_looked_at_is_shown_and_then_goes_on(clinic: Clinic, worker: Services, tmp_path: Path) -> None:
    original = as_file(radiograph())
    first, second = worked(clinic, worker, [film(), upload("upper.stl", surface()), upload("a.jpg", photograph())])
    assert codes(clinic, first) == [("1", "pixels-unchecked"), ("3", "pixels-unchecked")]

    shown = asked(clinic, "held", "show", first, "--out", tmp_path / "look")
    assert shown.status == 0
    assert {path.read_bytes() for path in (tmp_path / "look").iterdir()} == {original, photograph()}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "look", *(tmp_path / "look").iterdir()))

    assert asked(clinic, "release", first, "--reason", "checked-by-eye").status == 0
    again(worker, first)
    released_once(clinic, first)
    assert files_of(clinic, first, tmp_path) == {"panoramic.dcm", "upper.stl", "photo.jpg"}
    arrived = (tmp_path / "lab-a" / first / "panoramic.dcm").read_bytes()
    assert read(arrived).PixelData == radiograph().PixelData
    assert not [word for word in PLANTED if word.encode() in arrived]
    # Whoever looked did so for one lab; the other transfer waits for its own decision.
    assert clinic.transfer(second).state is State.HELD


def test_the_ledger_says_that_it_was_held_and_why_it_went_on(clinic: Clinic, worker: Services) -> None:
    name, _ = worked(clinic, worker, [film()])
    assert asked(clinic, "release", name, "--reason", "checked-by-eye").status == 0
    again(worker, name)
    events = {entry.event: entry for entry in clinic.history(name)}
    assert list(events) == [Event.RECEIVED, Event.HELD, Event.REOPENED, Event.RELEASED, Event.PUBLISHED]
    assert events[Event.HELD].codes == ("pixels-unchecked",)
    assert events[Event.REOPENED].reason == "checked-by-eye"
    assert events[Event.HELD].subject_commitment == events[Event.RELEASED].subject_commitment is not None
    assert clinic.verdict().holds


def test_an_order_that_says_pixels_checked_is_not_held(clinic: Clinic, worker: Services) -> None:
    for name in worked(clinic, worker, [film(), upload("a.jpg", photograph())], order(pixels_checked=True)):
        released_once(clinic, name)


def test_a_broken_scan_holds_every_transfer_whole_and_can_only_be_taken_out(
    clinic: Clinic, worker: Services, tmp_path: Path
) -> None:
    transfers = worked(clinic, worker, [upload("upper.stl", surface()), upload("lower.stl", surface()[:-3])])
    for name in transfers:
        assert codes(clinic, name) == [("2", "stl-truncated")]
        assert not clinic.records().outgoing.list(name)

    refused = asked(clinic, "release", transfers[0], "--reason", "looks-fine")
    assert refused.status == 4
    assert two_lines(refused) == "stl-truncated"
    assert clinic.transfer(transfers[0]).state is State.HELD

    taken = asked(clinic, "release", transfers[0], "--without", "2", "--reason", "scan-damaged")
    assert taken.status == 0
    again(worker, transfers[0])
    released_once(clinic, transfers[0])
    assert files_of(clinic, transfers[0], tmp_path) == {"upper.stl"}
    reopened = [entry for entry in clinic.history(transfers[0]) if entry.event is Event.REOPENED]
    assert [(entry.reason, entry.without) for entry in reopened] == [("scan-damaged", ("2",))]
    assert clinic.transfer(transfers[1]).state is State.HELD


def test_a_scan_in_an_archive_is_taken_out_alone_or_with_its_archive(
    clinic: Clinic, worker: Services, tmp_path: Path
) -> None:
    archive = zipped((f"{SURNAME}_upper.stl", surface()), (f"{SURNAME}_lower.stl", surface()[:-3]))
    one, whole = worked(clinic, worker, [upload("scans.zip", archive), upload("bite.stl", surface())])
    ((scan, code),) = codes(clinic, one)
    assert (scan.partition(".")[0], code) == ("1", "stl-truncated")
    assert asked(clinic, "release", one, "--without", scan, "--reason", "scan-damaged").status == 0
    assert asked(clinic, "release", whole, "--without", "1", "--reason", "scan-damaged").status == 0
    for name in (one, whole):
        again(worker, name)
    assert files_of(clinic, one, tmp_path) == {"upper.stl", "bite.stl"}
    assert files_of(clinic, whole, tmp_path) == {"bite.stl"}


def test_a_held_scan_in_an_archive_is_shown_as_it_came(clinic: Clinic, worker: Services, tmp_path: Path) -> None:
    broken = surface()[:-3]
    name, _ = worked(clinic, worker, [upload("scans.zip", zipped(("a.stl", surface()), ("b.stl", broken)))])
    assert asked(clinic, "held", "show", name, "--out", tmp_path / "look").status == 0
    assert [path.read_bytes() for path in (tmp_path / "look").iterdir()] == [broken]


def test_a_damaged_archive_is_shown_as_it_came(clinic: Clinic, worker: Services, tmp_path: Path) -> None:
    archive = bytearray(zipped(("a.stl", surface(40)), ("b.stl", surface(50))))
    archive[60] ^= 0xFF
    name, _ = worked(clinic, worker, [upload("scans.zip", bytes(archive)), upload("upper.stl", surface())])
    assert len(codes(clinic, name)) == 1
    shown = asked(clinic, "held", "show", name, "--out", tmp_path / "look")
    assert shown.status == 0, shown.err
    assert [path.read_bytes() for path in (tmp_path / "look").iterdir()] == [bytes(archive)]


@pytest.mark.parametrize("slip", ["3", "scan-2", "2.1", "0", "1,9", SURNAME])
def test_a_slip_in_the_scans_name_lets_nothing_go_on(slip: str, clinic: Clinic, worker: Services) -> None:
    name, _ = worked(clinic, worker, [film(), upload("upper.stl", surface())])
    done = asked(clinic, "release", name, "--without", slip, "--reason", "name-burned-in")
    assert done.status == 2
    assert two_lines(done) == "scan-unknown"
    assert clinic.transfer(name).state is State.HELD


def test_a_scan_named_twice_is_taken_out_once(clinic: Clinic, worker: Services, tmp_path: Path) -> None:
    name, _ = worked(clinic, worker, [film(), upload("upper.stl", surface())])
    words = ("--without", "1,1", "--without", "1", "--reason", "name-burned-in")
    assert asked(clinic, "release", name, *words).status == 0
    again(worker, name)
    assert files_of(clinic, name, tmp_path) == {"upper.stl"}


def test_every_scan_taken_out_holds_again(clinic: Clinic, worker: Services) -> None:
    name, _ = worked(clinic, worker, [film()])
    assert asked(clinic, "release", name, "--without", "1", "--reason", "name-burned-in").status == 0
    again(worker, name)
    assert codes(clinic, name) == [("", "no-scan")]


def test_notes_that_name_the_patient_hold_the_case_for_good(clinic: Clinic, worker: Services) -> None:
    told = order(prescription={"arches": "both", "notes": f"Frau {SURNAME} wants it before June"})
    name, _ = worked(clinic, worker, [upload("upper.stl", surface())], told)
    assert codes(clinic, name) == [("", "identity-in-prescription")]
    refused = asked(clinic, "release", name, "--reason", "it-is-fine")
    assert refused.status == 4
    assert SURNAME not in refused.said
    assert asked(clinic, "reject", name, "--reason", "notes-name-the-patient").status == 0
    assert clinic.transfer(name).state is State.REFUSED
    assert not clinic.records().outgoing.list(name)


def test_a_patient_named_like_a_word_of_the_prescription_holds_nothing(clinic: Clinic, worker: Services) -> None:
    told = order(patient={"family_name": "Upper", "given_name": "Both"}, prescription={"arches": "both"})
    name, _ = worked(clinic, worker, [upload("upper.stl", surface())], told)
    assert clinic.transfer(name).state is State.PUBLISHED


def test_a_rejected_transfer_is_over(clinic: Clinic, worker: Services) -> None:
    name, other = worked(clinic, worker, [film()])
    assert asked(clinic, "reject", name, "--reason", "name-burned-in").status == 0
    again(worker, name)
    assert clinic.transfer(name).state is State.REFUSED
    last = clinic.history(name)[-1]
    assert (last.event, last.reason, last.codes) == (Event.REFUSED, "name-burned-in", ("pixels-unchecked",))
    for words in (("release", name, "--reason", "seen"), ("reject", name, "--reason", "seen")):
        assert two_lines(asked(clinic, *words)) == "transfer-not-held"
    assert clinic.transfer(other).state is State.HELD


def test_what_is_held_is_told_with_a_hint_for_each_code(clinic: Clinic, worker: Services) -> None:
    worked(clinic, worker, [film(), upload("upper.stl", surface()[:-1]), upload("notes.txt", b"words")])
    said = asked(clinic, "held").out
    assert said.count("hint: ") == sum(len(one["holds"]) for one in asked(clinic, "held", "--json").facts)
    found = {hold["code"] for one in asked(clinic, "held", "--json").facts for hold in one["holds"]}
    assert len(found) >= 3
    assert found <= reasons().keys()
    assert all(reasons()[code].hint for code in found)


def test_nothing_of_the_patient_is_said_about_what_is_held(clinic: Clinic, worker: Services) -> None:
    worked(clinic, worker, [film(), upload(f"{SURNAME}.stl", surface(4, f"{GIVEN} {SURNAME}")[:-1])])
    said = asked(clinic, "held").said + asked(clinic, "status", "--json").said + asked(clinic, "ledger", "list").said
    assert not [word for word in (SURNAME, GIVEN, PATIENT) if word in said]
