"""Where the installation is: an option before or behind the command, the environment, or the folder one is in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Done, ask, run
from installations import Clinic, installed


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("homes")) as made:
        yield made


def names_lab_a(done: Done) -> bool:
    return done.status == 0 and [one["id"] for one in done.facts] == ["lab-a"]


def test_the_option_stands_before_the_command_or_behind_it(clinic: Clinic) -> None:
    home = ("--home", clinic.home.path)
    assert names_lab_a(ask(*home, "recipient", "list", "--json"))
    assert names_lab_a(ask("recipient", "list", "--json", *home))


def test_the_option_behind_a_command_counts_more_than_the_one_before_it(clinic: Clinic, tmp_path: Path) -> None:
    assert names_lab_a(ask("--home", tmp_path, "recipient", "list", "--json", "--home", clinic.home.path))


def test_the_environment_names_it_and_an_option_counts_more(clinic: Clinic, tmp_path: Path) -> None:
    named = {"PSEUDODONT_HOME": str(clinic.home.path)}
    assert names_lab_a(run("recipient", "list", "--json", environment=named))
    elsewhere = {"PSEUDODONT_HOME": str(tmp_path)}
    assert names_lab_a(run("--home", clinic.home.path, "recipient", "list", "--json", environment=elsewhere))


def test_without_a_word_it_is_the_folder_of_that_name_here(clinic: Clinic, tmp_path: Path) -> None:
    (tmp_path / "pseudodont-home").symlink_to(clinic.home.path)
    assert names_lab_a(run("recipient", "list", "--json", folder=tmp_path))


def test_both_programs_mean_the_same_installation(clinic: Clinic) -> None:
    command = [sys.executable, "-m", "keys.cli", "status", "--home", str(clinic.home.path)]
    stopped = subprocess.run(command, capture_output=True, text=True, check=False)
    clinic.reception()
    running = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (stopped.returncode, running.returncode) == (1, 0)
