"""What the README promises: every command, the two that set up a machine, and nothing that is not built."""

from __future__ import annotations

import re
import shlex

from documents import blocks, page, sections
from registered import commands

from worker.errors import Exit


def test_the_readme_lists_every_command() -> None:
    operate = blocks(sections(page("README.md"), 2)["Operate"])[0]
    listed = {re.split(r" {2,}", line)[0] for line in operate.splitlines()}
    assert listed == set(commands())


def test_the_readme_types_only_commands_and_options_that_exist() -> None:
    known = commands()
    typed = [line[2:] for block in blocks(page("README.md")) for line in block.splitlines() if line.startswith("$ ")]
    assert typed
    for line in typed:
        words = shlex.split(line)
        name = next(name for name in sorted(known, key=len, reverse=True) if words[: len(name.split())] == name.split())
        assert {word for word in words if word.startswith("--")} <= known[name], line


def test_the_readme_names_every_exit_status() -> None:
    stated = re.search(r"Exit statuses: (.+?)\.\n", page("README.md"), re.DOTALL)
    assert stated
    assert {int(number) for number in re.findall(r"\d+", stated[1])} == {status.value for status in Exit}


def test_the_two_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE))
    assert {"demo", "test"} <= set(re.findall(r"^make ([a-z]+)", page("README.md"), re.MULTILINE)) <= targets
    assert "make test" in page("CONTRIBUTING.md")


def test_what_the_readme_calls_not_built_is_not_there() -> None:
    unbuilt = " ".join(sections(page("README.md"), 2)["Not built yet"].split())
    custodian = re.search(r"key service: ([a-z, -]+)\.", unbuilt)
    assert custodian
    doors = {f"pseudodont-keys {word.replace('-', '')}" for word in custodian[1].split(", ")}
    assert not doors & set(commands())
    assert "HTTP API" in unbuilt
    assert "pseudodont serve" not in commands()


def test_the_first_screen_says_what_it_is_and_what_it_does_not_do() -> None:
    first = page("README.md").splitlines()[:45]
    text = " ".join(first)
    assert "It does not" in text
    assert {f"$ pseudodont {word}" for word in ("submit", "work", "collect", "open")} <= {
        " ".join(line.split()[:3]) for line in first
    }


def test_the_readme_has_its_parts_in_order() -> None:
    wanted = ["Two commands", "Install", "Operate", "Trust", "Not built yet", "Documents"]
    assert list(sections(page("README.md"), 2)) == wanted
