"""The commands of both programs as they are registered: their names, options and arguments."""

from __future__ import annotations

from collections.abc import Iterator

from typer.core import TyperArgument, TyperGroup
from typer.main import get_command

from keys.cli import cli as keys_app
from worker.cli import app as worker_app


def commands() -> dict[str, set[str]]:
    """Return what each command takes, by its full name; `--help` and hidden commands left out."""
    found: dict[str, set[str]] = {}
    for program, app in (("pseudodont", worker_app), ("pseudodont-keys", keys_app)):
        group = get_command(app)
        assert isinstance(group, TyperGroup)
        found |= dict(_below(program, group))
    return found


def _below(name: str, group: TyperGroup) -> Iterator[tuple[str, set[str]]]:
    for word, command in group.commands.items():
        if command.hidden:
            continue
        taken: set[str] = set()
        for parameter in command.params:
            if isinstance(parameter, TyperArgument):
                taken.add(parameter.metavar or str(parameter.name).upper())
            else:
                taken.update(option for option in parameter.opts if option.startswith("--"))
        taken.discard("--help")
        if isinstance(command, TyperGroup):
            yield from _below(f"{name} {word}", command)
        if not isinstance(command, TyperGroup) or command.invoke_without_command:
            yield f"{name} {word}", taken
