"""The command line (docs/command-line.md). Commands import what they need when they run: help is instant."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from worker.cli import clean, clinic, demo, installation, lab, log, work

_INTERRUPTED = 130
"""What typer makes of an interruption by the keyboard."""

app = typer.Typer(
    name="pseudodont",
    help="De-identify a dental case, seal it to one lab, and log the transfer so that anyone can check it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def start(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(envvar="PSEUDODONT_HOME", help="The installation's folder.", show_default="./pseudodont-home"),
    ] = None,
) -> None:
    """De-identify a dental case, seal it to one lab, and log the transfer so that anyone can check it."""
    context.obj = home


for command in (demo, installation, lab, clinic, work, clean):
    command.register(app)
app.add_typer(installation.recipients, name="recipient")
app.add_typer(log.app, name="ledger")


def main() -> None:
    """Run a command and end with its exit status; a fault is said without a trace."""
    # What a home or a lab's folder holds is for its owner alone.
    os.umask(0o077)
    try:
        app()
    except SystemExit as end:
        sys.exit(_told(KeyboardInterrupt()) if end.code == _INTERRUPTED else end.code)
    except Exception as error:
        sys.exit(_told(error))


def _told(error: BaseException) -> int:
    """Say what ended a command, and return its exit status."""
    from worker.cli.console import fault, fault_of
    from worker.errors import Exit, WorkerError
    from worker.package.opening import PackageRefused
    from worker.reasons import reason

    match error:
        case WorkerError():
            return fault_of(error)
        case PackageRefused():
            known = reason(error.code)
            fault(error.code, known.what, known.hint)
            return Exit.UNVERIFIED
        case KeyboardInterrupt():
            fault("interrupted", "stopped by the keyboard", "run it again: nothing is lost")
        case _:
            # A library's message may quote what it read; its kind and its place quote nothing.
            place = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} in {Path(place.filename).name} line {place.lineno}"
            fault("fault", what, "please report this line")
    return Exit.FAILED
