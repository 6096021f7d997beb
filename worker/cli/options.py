"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from worker.settings import Home

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The installation's folder (PSEUDODONT_HOME).", show_default="./pseudodont-home"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]
IdentityOption = Annotated[
    Path,
    typer.Option("--identity", help="The age identity file that `keygen` wrote.", exists=True, dir_okay=False),
]
OutOption = Annotated[Path, typer.Option("--out", help="A new or empty folder for the files.", file_okay=False)]
ReasonOption = Annotated[str, typer.Option("--reason", help="A code for the ledger, for example checked-by-eye.")]
VkeyOption = Annotated[
    str | None,
    typer.Option("--vkey", help="The sender's verification key, as text or a file: refuse any other."),
]


def home_of(context: typer.Context, given: Path | None) -> Home:
    """Return the installation that the command or the program was pointed at."""
    from worker.settings import Home

    return Home((given or context.find_root().obj or Path("pseudodont-home")).absolute())


def key_text(given: str) -> str:
    """Return a key that was given as text or as the file that holds it."""
    path = Path(given)
    try:
        return path.read_text().strip() if path.is_file() else given.strip()
    except (OSError, UnicodeDecodeError):
        return given.strip()
