"""What a clinic does: submit, look, and decide about what is held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import HomeOption, JsonOption, OutOption, ReasonOption, home_of

if TYPE_CHECKING:
    from worker.cli.console import Json
    from worker.intake import Upload
    from worker.model import Hold, Transfer

held_commands = typer.Typer(help="Transfers that a person must decide about.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("submit")(submit)
    app.command("status")(status)
    app.add_typer(held_commands, name="held")
    app.command("release")(release)
    app.command("reject")(reject)


def submit(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, folders, zips.", exists=True)],
    order: Annotated[Path, typer.Option(help="The order, JSON (docs/order.md).", exists=True, dir_okay=False)],
    to: Annotated[str, typer.Option(metavar="ID[,ID]", help="Recipients; default: those of the order.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand in a case: its scans are sealed at once, and workers do the rest."""
    from worker import app, ledger
    from worker.cli.console import facts, say
    from worker.database import transaction
    from worker.intake import accept
    from worker.queue import announce

    place = home_of(context, home)
    names = [name.strip() for name in to.split(",") if name.strip()]
    accepted = accept(app.reception(place), order.read_bytes(), names, _uploads(paths, order))
    records = app.records(place)
    with transaction(records.engine) as connection:
        ledger.sign(connection, records.log_key)
    announce(records.settings.queue, accepted.transfers)
    if as_json:
        facts({"case": accepted.case, "transfers": list(accepted.transfers)})
        return
    say(accepted.case)


def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="A case or a transfer; default: all.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where transfers stand."""
    from worker import app, cases
    from worker.cli.console import facts, table
    from worker.database import transaction
    from worker.errors import Unusable

    records = app.records(home_of(context, home))
    with transaction(records.engine) as connection:
        found = cases.transfers(connection) if name is None else cases.find(connection, name)
        holds = {one.id: cases.holds(connection, one.id) for one in found}
    if name is not None and not found:
        raise Unusable("case-unknown", "there is no such case or transfer", "see `pseudodont status`")
    if as_json:
        facts([_transfer_facts(one, holds[one.id]) for one in found])
        return
    table(
        ("transfer", "case", "recipient", "state", "held for"),
        [(o.id, o.case, o.recipient, str(o.state), ", ".join(sorted({h.code for h in holds[o.id]}))) for o in found],
    )


@held_commands.callback()
def held(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List what is held, why, and what mends it."""
    if context.invoked_subcommand is not None:
        return
    from worker import app
    from worker.cli.console import facts, say
    from worker.decisions import held as held_transfers
    from worker.reasons import reason

    waiting = held_transfers(app.records(home_of(context, home)))
    if as_json:
        facts([_transfer_facts(one.transfer, one.holds) for one in waiting])
        return
    for one in waiting:
        say(f"{one.transfer.id}  to {one.transfer.recipient}  {one.transfer.items} files")
        for hold in one.holds:
            known = reason(hold.code)
            where = f" at {hold.where}" if hold.where else ""
            say(f"  {f'scan {hold.scan}' if hold.scan else 'the case'}: {hold.code}{where}")
            say(f"    {known.what}", f"    hint: {known.hint}")
    if not waiting:
        say("nothing is held")


@held_commands.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A held transfer.")],
    out: OutOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the original scans that are held, in the clear, for you to look at; delete them afterwards."""
    from worker import app
    from worker.cli.console import facts, say
    from worker.decisions import Lens
    from worker.decisions import show as show_held

    with app.services(home_of(context, home)) as services:
        lens = Lens(services.incoming, services.identity, services.cleaner)
        written = show_held(services.records, lens, name, out)
    if as_json:
        facts([str(path) for path in written])
        return
    say(*(str(path) for path in written), "these files name the patient: delete them when you have looked")


def release(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A held transfer.")],
    reason: ReasonOption,
    without: Annotated[list[str] | None, typer.Option(metavar="SCAN", help="Leave this scan out.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a held transfer go on, with the pictures you have looked at, or without some scans."""
    from worker import app
    from worker.decisions import let_go_on

    records = app.records(home_of(context, home))
    scans = [scan.strip() for given in without or [] for scan in given.split(",") if scan.strip()]
    found = let_go_on(records, name, scans, reason)
    _decided(found, "goes on", as_json)


def reject(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A held transfer.")],
    reason: ReasonOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a held transfer for good."""
    from worker import app
    from worker.decisions import reject as reject_held

    found = reject_held(app.records(home_of(context, home)), name, reason)
    _decided(found, "is refused", as_json)


def _decided(transfer: Transfer, outcome: str, as_json: bool) -> None:
    from worker.cli.console import facts, say

    if as_json:
        facts({"transfer": transfer.id, "case": transfer.case, "outcome": outcome})
        return
    say(f"{transfer.id} {outcome}")


def _transfer_facts(transfer: Transfer, holds: tuple[Hold, ...] | list[Hold]) -> Json:
    return {
        "transfer": transfer.id,
        "case": transfer.case,
        "recipient": transfer.recipient,
        "state": str(transfer.state),
        "created": transfer.created_at.isoformat(),
        "expires": transfer.expires_at.isoformat(),
        "attempts": transfer.attempt,
        "package_sha256": transfer.package_sha256,
        "package_size": transfer.package_size,
        "holds": [{"code": hold.code, "scan": hold.scan, "where": hold.where} for hold in holds],
    }


def _uploads(paths: list[Path], order: Path) -> Iterator[Upload]:
    from worker.intake import Upload
    from worker.places import files_below

    for file, name in files_below(paths, but=order):
        yield Upload(name, _chunks(file))


def _chunks(path: Path) -> Iterator[bytes]:
    from worker.errors import Unusable

    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk
    except OSError:
        raise Unusable("file-unreadable", "a file cannot be read", "check its rights") from None
