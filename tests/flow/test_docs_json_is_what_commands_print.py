"""The JSON examples of docs/command-line.md have the shape of what the commands print, from init to revoke."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, ask, run
from documents import blocks, page, sections
from installations import order, surface
from PIL import Image
from registered import commands

from keys import process as key_process
from worker.errors import Exit

Said = dict[str, Any]


def _examples() -> Said:
    found = sections(page("docs/command-line.md"), 3)
    shown = {
        name.strip("`"): [b for b in blocks(text) if b.lstrip().startswith(("{", "["))] for name, text in found.items()
    }
    return {name: json.loads(examples[0]) for name, examples in shown.items() if examples}


def _alike(one: Any, other: Any) -> bool:
    """Whether two values have the same fields; a list is like another whose first item is like its own."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return not one or not other or _alike(one[0], other[0])
    return not isinstance(one, dict | list) and not isinstance(other, dict | list)


def _photo() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(data, "PNG")
    return data.getvalue()


class _Story:
    """One installation through every command that prints JSON; each answer is kept by its command."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._home = folder, folder / "home"
        self.said: Said = {}

    def tell(self) -> None:
        """Run the commands in the order in which a clinic and a lab would."""
        folder = self._folder
        vkeys = self._asked("init", "--clinic", "Praxis Nirgendsheim", "--country", "DE")
        lab = self._asked("keygen", "--out", folder / "lab.identity", home=False)
        facts = ("--name", "Labor Irgendwo", "--country", "CN", "--role", "lab", "--key", lab["recipient"])
        self._asked("recipient", "add", "lab-a", *facts)
        self._asked("recipient", "list")
        (folder / "order.json").write_bytes(order())
        (folder / "upper.stl").write_bytes(surface())
        (folder / "front.png").write_bytes(_photo())
        for _ in range(2):
            self._submit()
        self._working(Exit.HELD)
        waiting = self._asked("held")
        self._asked("status")
        first, second = (one["transfer"] for one in waiting)
        self._asked("held", "show", first, "--out", folder / "look")
        self._asked("reject", second, "--reason", "not-wanted")
        self._asked("release", first, "--reason", "checked-by-eye")
        self._working(Exit.DONE)
        self._collect(first, vkeys["sender_vkey"])
        self._asked("ledger", "list")
        self._asked("ledger", "verify", "--vkey", vkeys["log_vkey"])
        self._asked("recipient", "revoke", "lab-a")

    def clean(self) -> None:
        """Keep the report of `clean`, which prints no JSON but writes it."""
        report = self._folder / "report.json"
        done = ask("clean", self._folder / "upper.stl", "--out", self._folder / "cleaned", "--report", report)
        assert done.status == Exit.DONE, done.err
        self.said["pseudodont clean"] = json.loads(report.read_bytes())

    def stop(self) -> None:
        """No key service is left."""
        key_process.stop(self._home)

    def keys(self) -> None:
        """Keep what `pseudodont-keys status` prints."""
        command = [sys.executable, "-m", "keys.cli", "status", "--home", str(self._home), "--json"]
        done = subprocess.run(command, capture_output=True, check=True)
        self.said["pseudodont-keys status"] = json.loads(done.stdout)

    def _submit(self) -> None:
        scans = (self._folder / "upper.stl", self._folder / "front.png")
        self._asked("submit", "--to", "lab-a", "--order", self._folder / "order.json", *scans)

    def _collect(self, transfer: str, vkey: str) -> None:
        identity, folder = self._folder / "lab.identity", self._folder
        self._asked("collect", "--as", "lab-a", "--identity", identity, "--out", folder / "arrived")
        self._asked("acknowledge", transfer)
        package = next((self._home / "store" / "outgoing" / transfer).glob("*.age"))
        opening = ("--identity", identity, "--out", folder / "opened", "--vkey", vkey)
        self._asked("open", package, *opening, home=False)
        key = self.said["pseudodont keygen"]["recipient"]
        self._asked("seal", folder / "upper.stl", "--to", key, "--out", folder / "sealed.age", home=False)

    def _working(self, status: Exit) -> None:
        self._kept("work", run("work", "--until-idle", "--home", self._home, "--json"), status)

    def _asked(self, *words: str | Path, home: bool = True) -> Any:
        where = ("--home", self._home) if home else ()
        command = max((n for n in commands() if self._begins(n, words)), key=len).removeprefix("pseudodont ")
        return self._kept(command, ask(*words, *where, "--json"), Exit.DONE)

    @staticmethod
    def _begins(name: str, words: tuple[str | Path, ...]) -> bool:
        parts = name.split()[1:]
        return name.startswith("pseudodont ") and [str(word) for word in words[: len(parts)]] == parts

    def _kept(self, command: str, done: Done, status: Exit) -> Any:
        assert done.status == status, (command, done.err)
        self.said.setdefault(f"pseudodont {command}", done.facts)
        return done.facts


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Said]:
    """Give what each command printed."""
    story = _Story(tmp_path_factory.mktemp("story"))
    try:
        story.tell()
        story.keys()
        story.clean()
        yield story.said
    finally:
        story.stop()


def test_every_command_that_prints_json_was_run(said: Said) -> None:
    assert {name for name, takes in commands().items() if "--json" in takes} <= set(said)


@pytest.mark.parametrize("command", sorted(_examples()))
def test_the_example_has_the_shape_of_the_answer(command: str, said: Said) -> None:
    example, answer = _examples()[command], said[command]
    assert _alike(example, answer), (example, answer)


def test_ledger_list_prints_leaves_as_they_are(said: Said) -> None:
    assert said["pseudodont ledger list"][0]["leaf"]["v"] == 1
