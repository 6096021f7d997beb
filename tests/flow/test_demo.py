"""The demonstration, as somebody runs it who has just installed the product, and runs it again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from command_line import ask, run, two_lines

from keys.client import answering


def hits(said: str) -> dict[str, int]:
    """Return how often the patient was found, by place, from the table of the search."""
    rows = re.findall(r"^(\S.*?)  +\d+ +[\d,]+ +(\d+)$", said, re.MULTILINE)
    return {place: int(count) for place, count in rows}


def broken_off(folder: Path) -> None:
    """Run the demonstration until the case is submitted, then kill it with all that it started."""
    command = [sys.executable, "-u", "-m", "worker.cli", "demo", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as one:
        assert one.stdout is not None
        assert any(line.startswith("== a worker") for line in one.stdout)
        os.killpg(one.pid, signal.SIGKILL)


def test_it_tells_the_whole_story_in_the_folder_of_one_that_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    broken_off(folder)
    assert answering(folder / "clinic-home") is not None
    done = run("demo", "--folder", folder)
    assert done.status == 0, done.said
    assert not done.err
    found = hits(done.out)
    assert len(found) == 5
    assert found.pop("what the clinic had") > 100
    assert set(found.values()) == {0}
    assert "verified" in done.out
    assert "NOT verified" not in done.out
    for chapter in ("submits", "cleans, seals, logs", "collects with only its own key", "what to try next"):
        assert chapter in done.out
    assert len(list((folder / "lab" / "lab-nord").iterdir())) == 1
    assert answering(folder / "clinic-home") is None


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = ask("demo", "--folder", tmp_path)
    assert done.status == 2
    assert two_lines(done) == "folder-not-ours"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
