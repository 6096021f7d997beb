"""`ledger`: read it, verify it, export it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import HomeOption, JsonOption, home_of, key_text

if TYPE_CHECKING:
    from worker.services import Records

app = typer.Typer(help="The transfer log.", no_args_is_help=True)


def _records(context: typer.Context, home: Path | None) -> Records:
    from worker import app as services

    return services.records(home_of(context, home))


@app.command("list")
def show(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List every entry."""
    import json

    from worker import ledger
    from worker.cli.console import facts, table
    from worker.database import transaction

    records = _records(context, home)
    with transaction(records.engine) as connection:
        found = list(ledger.entries(connection))
    if as_json:
        facts([{"position": one.position, "leaf": json.loads(one.entry.leaf())} for one in found])
        return
    table(
        ("#", "time", "event", "transfer", "recipient", "to"),
        [
            (
                str(one.position),
                one.entry.at.isoformat(timespec="seconds"),
                str(one.entry.event),
                one.entry.transfer or "",
                one.entry.recipient.id if one.entry.recipient else "",
                one.entry.destination or "",
            )
            for one in found
        ],
    )


@app.command("verify")
def verify(
    context: typer.Context,
    vkey: Annotated[str, typer.Option("--vkey", help="The log's verification key, as text or a file.")],
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint or proof kept outside; may be given again.", exists=True, dir_okay=False),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the whole ledger and find any edit, drop or reorder."""
    from worker.cli.console import facts, say
    from worker.errors import Exit
    from worker.inspection import inspect

    verdict = inspect(home_of(context, home), key_text(vkey), [path.read_bytes() for path in checkpoint or []])
    if as_json:
        facts(
            {
                "holds": verdict.holds,
                "size": verdict.size,
                "root": verdict.root.hex(),
                "signed": verdict.checkpoint.size if verdict.checkpoint else 0,
                "faults": [{"code": str(one.code), "first": one.first, "last": one.last} for one in verdict.faults],
            }
        )
    else:
        say(*(str(one) for one in verdict.faults))
        say(
            f"{verdict.size} entries, root {verdict.root.hex()}",
            "verified" if verdict.holds else "NOT verified",
        )
    if not verdict.holds:
        raise typer.Exit(Exit.UNVERIFIED)


@app.command("export")
def export(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    home: HomeOption = None,
) -> None:
    """Print the register of transfers: who, where to, what, on which basis, sealed how."""
    from worker import ledger
    from worker.database import transaction
    from worker.errors import Unusable
    from worker.records.registers import Format
    from worker.records.registers import export as register

    if kind not in tuple(Format):
        raise Unusable("export-format", "the format is csv or json", "give --format")
    records = _records(context, home)
    with transaction(records.engine) as connection:
        for text in register(ledger.entries(connection), Format(kind)):
            typer.echo(text, nl=False)
