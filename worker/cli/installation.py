"""`init`, and the recipients an installation may send to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import HomeOption, JsonOption, home_of

if TYPE_CHECKING:
    from worker.model import Recipient

recipients = typer.Typer(help="Labs and affiliates that cases may be sent to.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("init")(init)


def init(
    context: typer.Context,
    clinic: Annotated[str, typer.Option(help="The clinic's legal name, as the log shall state it.")],
    country: Annotated[str, typer.Option(help="The clinic's country, two letters.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new installation: keys, databases, the key service's folder."""
    from worker.cli.console import facts, say
    from worker.installation import install

    place = home_of(context, home)
    made = install(place, clinic, country)
    if as_json:
        facts({"home": str(place.path), "sender_vkey": made.sender_vkey, "log_vkey": made.log_vkey})
        return
    say(
        f"installed in {place.path}",
        f"sender key, for labs to check packages with:  {made.sender_vkey}",
        f"log key, for anyone to check the ledger with: {made.log_vkey}",
        "next: pseudodont recipient add",
    )


@recipients.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A short id: a-z, 0-9 and -.")],
    legal_name: Annotated[str, typer.Option("--name", help="The legal name.")],
    country: Annotated[str, typer.Option(help="The country, two letters.")],
    role: Annotated[str, typer.Option(help="lab or affiliate.")],
    key: Annotated[str, typer.Option(help="The age recipient, or a file that holds it.")],
    basis: Annotated[
        Path | None,
        typer.Option(help="The stated legal basis, TOML (docs/basis.md).", exists=True, dir_okay=False),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a lab or affiliate with its key; compare the fingerprint by phone."""
    from worker import app
    from worker.cli.console import facts, say
    from worker.cli.options import key_text
    from worker.directory import add_recipient
    from worker.errors import Unusable
    from worker.model import Role
    from worker.recipients import read_basis, recipient

    if role not in tuple(Role):
        raise Unusable("recipient-role", "the role is lab or affiliate", "give --role")
    stated = None if basis is None else read_basis(basis.read_bytes())
    new = recipient(name, legal_name=legal_name, country=country, role=Role(role), key=key_text(key), basis=stated)
    add_recipient(app.records(home_of(context, home)), new)
    if as_json:
        facts(_facts(new))
        return
    say(
        f"added {new.id}",
        f"key fingerprint {new.fingerprint}",
        "compare it with the lab by phone before you send",
    )


@recipients.command("list")
def show(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List every recipient, the revoked ones too."""
    from worker import app
    from worker.cli.console import facts, table
    from worker.directory import everyone

    known = everyone(app.records(home_of(context, home)))
    if as_json:
        facts([_facts(one) for one in known])
        return
    rows = [
        (one.id, one.name, one.country, one.role, one.fingerprint[:16], "revoked" if one.revoked_at else "")
        for one in known
    ]
    table(("id", "name", "country", "role", "key", ""), rows)


@recipients.command("revoke")
def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send nothing more to a recipient; what waits for it is refused."""
    from worker import app
    from worker.cli.console import facts, say
    from worker.directory import revoke_recipient

    gone = revoke_recipient(app.records(home_of(context, home)), name)
    if as_json:
        facts(_facts(gone))
        return
    say(f"revoked {gone.id}")


def _facts(one: Recipient) -> dict[str, str | bool | None]:
    return {
        "id": one.id,
        "name": one.name,
        "country": one.country,
        "role": str(one.role),
        "key": one.key,
        "fingerprint": one.fingerprint,
        "basis": None if one.basis is None else one.basis.mechanism,
        "revoked": one.revoked_at is not None,
    }
