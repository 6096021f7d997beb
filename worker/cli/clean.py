"""`clean`: de-identification alone, from clear files to clear files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.options import OutOption


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("clean")(clean)


def clean(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, folders, zips.", exists=True)],
    out: OutOption,
    report: Annotated[Path, typer.Option(help="Where the report goes; it names your files.", dir_okay=False)],
    profile: Annotated[str, typer.Option(help="basic or aligner.")] = "aligner",
    retain: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Keep more; may be given again.")] = None,
    clean_: Annotated[
        list[str] | None, typer.Option("--clean", metavar="NAME", help="Clean more; may be given again.")
    ] = None,
    order: Annotated[
        Path | None, typer.Option(help="The order: whose names to look for.", exists=True, dir_okay=False)
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="32 secret bytes or more: replacements repeat.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """De-identify files of one patient into a folder, with a report for the clinic's eyes."""
    from worker.cleanroom import Wish, clean_files
    from worker.cli.console import note, say
    from worker.errors import Exit

    wish = Wish(
        profile=profile,
        retain=tuple(retain or ()),
        clean=tuple(clean_ or ()),
        order=order,
        key=None if key is None else key.read_bytes(),
    )
    outcomes = clean_files(paths, out, report, wish)
    kept_back = [one for one in outcomes if one.reason is not None]
    say(f"{len(outcomes) - len(kept_back)} of {len(outcomes)} files cleaned, report in {report}")
    for one in kept_back:
        note(f"quarantined: {one.source}: {one.reason}")
    if kept_back:
        raise typer.Exit(Exit.HELD)
