"""`demo`: the whole chain on a synthetic case, told as it goes. Every number comes from a command that ran."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("demo")(demo)


def demo(
    folder: Annotated[
        Path,
        typer.Option(help="Where the demonstration lives; replaced when it runs again.", file_okay=False),
    ] = Path("pseudodont-demo"),
) -> None:
    """Send a synthetic case from a clinic to a lab, and search what arrived for the patient."""
    from worker.demonstration import Demonstration

    Demonstration(folder.absolute()).tell()
