"""What a lab does: make a key, seal, open, collect, acknowledge. All but the last two need no installation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import (
    HomeOption,
    IdentityOption,
    JsonOption,
    OutOption,
    VkeyOption,
    home_of,
    key_text,
)

if TYPE_CHECKING:
    from worker.package.manifest import Manifest
    from worker.sealing import Identity
    from worker.signing import VerifyKey


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("keygen")(keygen)
    app.command("seal")(seal)
    app.command("open")(open_)
    app.command("collect")(collect)
    app.command("acknowledge")(acknowledge)


def keygen(
    out: Annotated[Path, typer.Option(help="A new file for the secret identity.")],
    classic: Annotated[bool, typer.Option("--classic", help="X25519, for age before 1.3.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make an age identity, post-quantum unless told otherwise, and print its recipient."""
    from worker.cli.console import facts, say
    from worker.errors import Unusable
    from worker.sealing import Kind, generate_identity

    identity = generate_identity(Kind.CLASSIC if classic else Kind.POST_QUANTUM)
    recipient = identity.recipient
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError:
        raise Unusable("identity-not-written", "the file exists or cannot be made", "name a new file") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# public key: {recipient.text}\n{identity.text}\n")
    if as_json:
        facts({"recipient": recipient.text, "fingerprint": recipient.fingerprint, "file": str(out)})
        return
    say(recipient.text)


def seal(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to seal.", exists=True, dir_okay=False)],
    to: Annotated[str, typer.Option(help="The age recipient, or a file that holds it.")],
    out: Annotated[Path, typer.Option(help="A new file for the sealed bytes.")],
    as_json: JsonOption = False,
) -> None:
    """Seal a file to one recipient, in the age format."""
    from worker.cli.console import facts, say
    from worker.errors import Unusable
    from worker.sealing import SealingError, parse_recipient
    from worker.sealing import seal as seal_chunks

    try:
        recipient = parse_recipient(key_text(to))
    except SealingError:
        raise Unusable("recipient-key", "the key is not an age recipient", "give --to a line of `keygen`") from None
    if out.exists():
        raise Unusable("out-exists", "the file exists", "name a new file with --out")
    partial = out.with_name(f".{out.name}.partial")
    try:
        with path.open("rb") as source, partial.open("wb") as target:
            for chunk in seal_chunks(iter(lambda: source.read(1 << 20), b""), recipient):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        partial.rename(out)
    finally:
        partial.unlink(missing_ok=True)
    if as_json:
        facts({"file": str(out), "size": out.stat().st_size, "fingerprint": recipient.fingerprint})
        return
    say(f"sealed to {recipient.fingerprint[:16]} in {out}")


def open_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sealed file.", exists=True, dir_okay=False)],
    identity: IdentityOption,
    out: OutOption,
    vkey: VkeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a package and write its files; nothing is written unless all of it verified."""
    from worker.cli.console import facts, note, say
    from worker.package.opening import open_package

    sender = None if vkey is None else _vkey(vkey)
    opened = open_package(file, _identities(identity), out, sender)
    if as_json:
        facts(
            {
                "out": str(out),
                "files": [str(path.relative_to(out)) for path in opened.paths],
                "sender_verified": opened.sender_verified,
                **({} if opened.manifest is None else _manifest_facts(opened.manifest)),
            }
        )
        return
    say(f"{len(opened.paths)} files in {out}")
    if opened.manifest is not None:
        _tell(opened.manifest)
        if not opened.sender_verified:
            note("the sender is only claimed: compare the key above with the clinic, and give it with --vkey")


def collect(
    context: typer.Context,
    recipient: Annotated[str, typer.Option("--as", metavar="ID", help="The recipient that you are.")],
    identity: IdentityOption,
    out: Annotated[Path, typer.Option(help="A folder; each transfer gets its own in it.", file_okay=False)],
    vkey: VkeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Collect every package that waits for a recipient and is not in the folder yet."""
    from worker import app
    from worker.cli.console import facts, say
    from worker.handover import Trust
    from worker.handover import collect as collect_packages

    place = home_of(context, home)
    records = app.records(place)
    trust = Trust(_vkey(vkey or str(place.sender_vkey)), _vkey(str(place.log_vkey)))
    collected = collect_packages(records, recipient, _identities(identity), out, trust)
    if as_json:
        facts(
            [
                {
                    "transfer": one.transfer.id,
                    "folder": str(one.folder),
                    "files": [file.path for file in one.opened.manifest.files] if one.opened.manifest else [],
                    "pseudonym": one.opened.manifest.statement.pseudonym if one.opened.manifest else None,
                }
                for one in collected
            ]
        )
        return
    for one in collected:
        say(f"{one.transfer.id}: {len(one.opened.paths)} files in {one.folder}")
    if not collected:
        say("nothing new")


def acknowledge(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A collected transfer.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the clinic that the case arrived and can be worked with."""
    from worker import app
    from worker.cli.console import facts, say
    from worker.handover import acknowledge as acknowledge_transfer

    found = acknowledge_transfer(app.records(home_of(context, home)), name)
    if as_json:
        facts({"transfer": found.id, "case": found.case})
        return
    say(f"{found.id} is acknowledged")


def _identities(path: Path) -> tuple[Identity, ...]:
    from worker.errors import Unusable
    from worker.sealing import SealingError, parse_identities

    try:
        return parse_identities(path.read_text())
    except (SealingError, OSError, UnicodeDecodeError):
        raise Unusable("identity-invalid", "the file is no age identity", "give the file of `keygen`") from None


def _vkey(given: str) -> VerifyKey:
    from worker.errors import Unusable
    from worker.signing import SigningError, VerifyKey

    try:
        return VerifyKey.parse(key_text(given))
    except SigningError:
        raise Unusable("vkey-invalid", "this is no verification key", "it looks like name+0123abcd+…") from None


def _manifest_facts(manifest: Manifest) -> dict[str, str]:
    stated = manifest.statement
    return {
        "transfer": stated.transfer,
        "pseudonym": stated.pseudonym,
        "sender": stated.sender.name,
        "signer": manifest.signer,
        "recipient": stated.recipient.id,
    }


def _tell(manifest: Manifest) -> None:
    from worker.cli.console import say

    stated = manifest.statement
    say(
        f"pseudonym   {stated.pseudonym}",
        f"from        {stated.sender.name} ({stated.sender.country})",
        f"signed by   {manifest.signer}",
        f"to          {stated.recipient.name}",
        f"transfer    {stated.transfer}",
    )
