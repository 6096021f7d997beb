"""Each exit status of docs/command-line.md, by a command that ran as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import run, two_lines
from installations import Clinic, installed, order, surface

from worker.sealing import generate_identity


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("statuses")) as made:
        yield made


def given(folder: Path, data: bytes) -> tuple[str | Path, ...]:
    """Return the words that submit one surface."""
    (folder / "order.json").write_bytes(order())
    (folder / "scan.stl").write_bytes(data)
    return "submit", "--to", "lab-a", "--order", folder / "order.json", folder / "scan.stl"


def test_0_done_and_3_held_and_4_refused(clinic: Clinic, tmp_path: Path) -> None:
    home = ("--home", clinic.home.path)
    submitted = run(*home, *given(tmp_path, surface()[:-7]))
    assert submitted.status == 0
    assert submitted.out.startswith("case-")
    assert run(*home, "work", "--until-idle").status == 3
    (waiting,) = clinic.transfers()
    refused = run(*home, "release", waiting.id, "--reason", "checked-by-eye")
    assert refused.status == 4
    assert two_lines(refused) == "stl-truncated"


def test_1_failed_where_the_store_is_away(clinic: Clinic, tmp_path: Path) -> None:
    aside = clinic.home.incoming.rename(tmp_path / "aside")
    clinic.home.incoming.write_bytes(b"")
    try:
        failed = run("--home", clinic.home.path, *given(tmp_path, surface()))
    finally:
        clinic.home.incoming.unlink()
        aside.rename(clinic.home.incoming)
    assert failed.status == 1
    assert two_lines(failed) == "store-unavailable"


def listen_to_the_keyboard() -> None:
    """A program that a shell put into the background ignores interruptions, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_1_failed_when_interrupted(clinic: Clinic, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow.json")
    words = ["-m", "worker.cli", *map(str, ("--home", clinic.home.path, *given(tmp_path, surface())))]
    words[words.index(str(tmp_path / "order.json"))] = str(tmp_path / "slow.json")
    pipe = subprocess.PIPE
    # A pipe can be opened for writing as soon as somebody reads the order from it.
    with (
        subprocess.Popen(
            [sys.executable, *words], stdout=pipe, stderr=pipe, text=True, preexec_fn=listen_to_the_keyboard
        ) as one,
        (tmp_path / "slow.json").open("wb"),
    ):
        # A signal between the interpreter's last look and the system call is only seen after the call.
        for _ in range(4):
            one.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                one.wait(timeout=15)
                break
        out, err = one.communicate(timeout=1)
    assert one.returncode == 1
    assert err.startswith("interrupted: ")
    assert "Traceback" not in err
    assert not out


def test_2_usage_for_an_unknown_recipient(clinic: Clinic, tmp_path: Path) -> None:
    words = [word if word != "lab-a" else "lab-x" for word in given(tmp_path, surface())]
    wrong = run("--home", clinic.home.path, *words)
    assert wrong.status == 2
    assert two_lines(wrong) == "recipient-unknown"


def test_2_usage_for_an_option_that_there_is_not(clinic: Clinic) -> None:
    assert run("--home", clinic.home.path, "status", "--everything").status == 2


def test_5_unverified_for_bytes_that_are_no_sealed_file(tmp_path: Path) -> None:
    (tmp_path / "identity").write_text(generate_identity().text)
    (tmp_path / "package.age").write_bytes(b"no package")
    wrong = run("open", tmp_path / "package.age", "--identity", tmp_path / "identity", "--out", tmp_path / "out")
    assert wrong.status == 5
    assert two_lines(wrong) == "header-version"
    assert not (tmp_path / "out").exists()


def test_5_unverified_for_a_ledger_of_another_key(clinic: Clinic) -> None:
    wrong = run("--home", clinic.home.path, "ledger", "verify", "--vkey", clinic.home.sender_vkey)
    assert wrong.status == 5
    assert "NOT verified" in wrong.out


@pytest.mark.parametrize("command", ["status", "work", "held"])
def test_78_misconfigured_where_there_is_no_installation(command: str, tmp_path: Path) -> None:
    wrong = run("--home", tmp_path, command)
    assert wrong.status == 78
    assert two_lines(wrong) == "home-missing"
    assert not list(tmp_path.iterdir())


def test_78_misconfigured_names_every_wrong_setting(clinic: Clinic) -> None:
    wrong = {"PSEUDODONT_QUEUE__URL": "carrier-pigeon", "PSEUDODONT_TRANSFERS__EXPIRE_DAYS": "0"}
    told = run("--home", clinic.home.path, "status", environment=wrong)
    assert told.status == 78
    assert two_lines(told) == "settings-invalid"
    assert "queue.url" in told.err
    assert "transfers.expire_days" in told.err
    assert "pigeon" not in told.err
