"""`pseudodont-keys`: run the key service of an installation.

What goes wrong is two lines on standard error, `code: what is wrong` and `hint: what to do`.
Exit codes: 0 done, 1 failed or not running, 2 usage, 78 misconfigured.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from keys.errors import FAILED, KeysError, told

cli = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run the key service: whose case it is, kept apart from everything that touches a scan.",
)

Home = Annotated[Path, typer.Option(envvar="PSEUDODONT_HOME", help="The installation's folder.", show_default=True)]
_HOME = Path("pseudodont-home")


@cli.command()
def serve(
    home: Home = _HOME,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it answers in the background.")] = False,
) -> None:
    """Serve until stopped; where a key service already runs for this home, that is fine too."""
    from keys import process

    if detach:
        process.start(home)
    else:
        process.serve(home)


@cli.command()
def stop(home: Home = _HOME) -> None:
    """End the key service; where none runs, that is fine too."""
    from keys import process

    typer.echo("stopped" if process.stop(home) else "not running")


@cli.command()
def status(
    home: Home = _HOME, as_json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False
) -> None:
    """Say whether the key service answers: exit code 0 if so, 1 if not."""
    import json
    from dataclasses import asdict

    from keys import process

    found = process.status(home)
    running = f"running, process {found.pid}" if found.running else "not running"
    typer.echo(json.dumps(asdict(found)) if as_json else running)
    raise typer.Exit(0 if found.running else FAILED)


@cli.command(hidden=True)
def initialise(
    home: Home = _HOME,
    into: Annotated[Path | None, typer.Option(help="Folder for the credentials, one file a door.")] = None,
) -> None:
    """Set up the key service and print its credentials as JSON, once; `pseudodont init` keeps them."""
    from keys import app

    typer.echo(app.initialise(home, into).to_json())


def main() -> None:
    """Run the command line; a known fault ends in its code, a sentence and a hint."""
    try:
        cli()
    except KeysError as error:
        text, exit_code = told(error)
        sys.stderr.write(text)
        sys.exit(exit_code)
    except Exception as error:
        # A library's message may quote what it read; its kind and its place quote nothing.
        place = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"fault: {type(error).__name__} in {Path(place.filename).name} line {place.lineno}"
        sys.stderr.write(f"{fault}\nhint: please report this line\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
