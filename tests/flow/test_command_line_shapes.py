"""Every `--json` has the shape that docs/command-line.md shows: the same keys, values of the same types."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, ask, run
from dicom_objects import as_file
from environment import ROOT
from installations import order, surface
from key_service import run as run_keys
from studies import radiograph

_HEADING = re.compile(r"^### `([^`]+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documented() -> dict[str, Any]:
    """The first JSON example of every command in the documentation."""
    text = (ROOT / "docs" / "command-line.md").read_text()
    examples = {name: _BLOCK.search(section) for name, section in _HEADING.findall(text)}
    return {name: json.loads(block[1]) for name, block in examples.items() if block}


DOCUMENTED = {name: example for name, example in documented().items() if name != "pseudodont clean"}


def differences(found: Any, example: Any, place: str = "") -> Iterator[str]:
    """Yield where `found` is not of the example's shape; a null stands for any value."""
    if found is None or example is None:
        return
    if type(found) is not type(example):
        yield f"{place}: {type(found).__name__}"
    elif isinstance(found, dict):
        yield from (f"{place}.{key}: missing or unknown" for key in found.keys() ^ example.keys())
        for key in found.keys() & example.keys():
            yield from differences(found[key], example[key], f"{place}.{key}")
    elif isinstance(found, list) and example:
        for one in found:
            yield from differences(one, example[0], f"{place}[]")


class Story:
    """Commands run one after the other in one home; the first answer of each is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.answers: dict[str, Any] = {}

    def tell(self, command: str, *words: str | Path, status: int = 0, home: bool = True) -> Any:
        """Run a command with `--json` and return its facts."""
        where = ("--home", self.home) if home else ()
        asked = run if command == "work" else ask
        return self.keep(command, asked(*where, *command.split(), *words, "--json"), status)

    def keep(self, command: str, done: Done, status: int = 0) -> Any:
        """Keep what a command printed."""
        assert done.status == status, done.said
        self.answers.setdefault(f"pseudodont {command}", done.facts)
        return done.facts


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What every command with `--json` answered once."""
    story = Story(tmp_path_factory.mktemp("shapes"))
    _install(story)
    try:
        _decide(story)
        _collect(story)
        _read(story)
        yield story.answers
    finally:
        run_keys("stop", home=story.home)


def _install(story: Story) -> None:
    story.tell("init", "--clinic", "Praxis Nirgendsheim", "--country", "DE")
    key = story.tell("keygen", "--out", story.folder / "identity", home=False)["recipient"]
    other = story.tell("keygen", "--classic", "--out", story.folder / "other", home=False)["recipient"]
    for name, recipient in (("lab-a", key), ("lab-b", other)):
        told = ("--name", "Labor", "--country", "DK", "--role", "lab", "--key", recipient)
        story.tell("recipient add", name, *told)
    story.tell("recipient list")
    story.tell("recipient revoke", "lab-b")


def _decide(story: Story) -> None:
    (story.folder / "order.json").write_bytes(order())
    for name, data in (("picture", as_file(radiograph())), ("broken", surface()[:-1])):
        (story.folder / name).write_bytes(data)
        story.tell("submit", "--to", "lab-a", "--order", story.folder / "order.json", story.folder / name)
    story.tell("work", "--until-idle", status=3)
    story.tell("status")
    picture, broken = (one["transfer"] for one in story.tell("held"))
    story.tell("held show", picture, "--out", story.folder / "look")
    story.tell("release", picture, "--reason", "checked-by-eye")
    story.tell("reject", broken, "--reason", "scan-damaged")
    story.tell("work", "--until-idle")


def _collect(story: Story) -> None:
    identity, home = story.folder / "identity", story.home
    (package,) = (home / "store" / "outgoing").rglob("*.age")
    vkey = home / "ledger" / "sender.vkey"
    opened = ("--identity", identity, "--out", story.folder / "opened", "--vkey", vkey)
    story.tell("open", package, *opened, home=False)
    collected = story.tell("collect", "--as", "lab-a", "--identity", identity, "--out", story.folder / "lab")
    story.tell("acknowledge", collected[0]["transfer"])


def _read(story: Story) -> None:
    recipient = story.answers["pseudodont keygen"]["recipient"]
    story.tell("seal", story.folder / "picture", "--to", recipient, "--out", story.folder / "sealed", home=False)
    story.tell("ledger list")
    story.tell("ledger verify", "--vkey", story.home / "ledger" / "log.vkey")
    keys = run_keys("status", "--json", home=story.home)
    story.answers["pseudodont-keys status"] = json.loads(keys.stdout)


@pytest.mark.parametrize("command", DOCUMENTED)
def test_the_answer_has_the_shape_of_the_documentation(command: str, answers: dict[str, Any]) -> None:
    found = answers[command]
    assert found, "an empty answer shows no shape"
    example = DOCUMENTED[command]
    if command == "pseudodont ledger list":
        # The leaf is that of an event, and has a page of its own.
        found, example = found[:1], example[:1]
    assert not list(differences(found, example))


def test_every_answer_is_documented(answers: dict[str, Any]) -> None:
    assert answers.keys() == DOCUMENTED.keys()


def test_a_held_transfer_says_which_scan_and_why(answers: dict[str, Any]) -> None:
    picture, broken = answers["pseudodont held"]
    assert picture["holds"] == [{"code": "pixels-unchecked", "scan": "1", "where": "(7FE0,0010)"}]
    assert [hold["code"] for hold in broken["holds"]] == ["stl-truncated"]
    assert {one["state"] for one in answers["pseudodont status"]} == {"held"}


def test_the_pseudonym_is_the_same_in_every_answer(answers: dict[str, Any]) -> None:
    (collected,) = answers["pseudodont collect"]
    assert answers["pseudodont open"]["pseudonym"] == collected["pseudonym"]
    assert set(collected["files"]) < set(answers["pseudodont open"]["files"])
