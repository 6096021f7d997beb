"""docs/command-line.md names every command and option there is, and no other."""

from __future__ import annotations

from documents import named, page, rows, sections
from registered import commands

from worker.errors import Exit


def _documented() -> dict[str, str]:
    found = sections(page("docs/command-line.md"), 3)
    return {heading.strip("`"): text for heading, text in found.items()}


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert set(_documented()) == set(commands())


def test_every_option_and_argument_is_in_the_table_of_its_command() -> None:
    documented = {name: named(text) for name, text in _documented().items()}
    assert documented == commands()


def test_exit_statuses_are_those_that_the_programs_end_with() -> None:
    table = sections(page("docs/command-line.md"), 2)["Exit statuses"]
    documented = {(int(row[0].strip("`")), row[1].strip("`")) for row in rows(table)}
    assert documented == {(status.value, status.name) for status in Exit}


def test_commands_that_print_json_show_an_example() -> None:
    shown = {name for name, text in _documented().items() if "```json" in text}
    promised = {name for name, takes in commands().items() if "--json" in takes}
    assert promised <= shown
