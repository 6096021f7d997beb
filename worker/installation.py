"""Make an installation: folders, keys, both databases, and the credentials between them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from keys.client import KeysError, initialise
from worker import database, ledger
from worker.app import database_url
from worker.errors import Misconfigured, Unusable
from worker.places import replace_file
from worker.recipients import checked_country
from worker.sealing import generate_identity
from worker.settings import Clinic, Home
from worker.signing import SigningKey


@dataclass(frozen=True, slots=True)
class Installed:
    """The public halves that others need."""

    incoming_recipient: str
    sender_vkey: str
    log_vkey: str


def install(home: Home, clinic: str, country: str) -> Installed:
    """Make a new installation; raises `Unusable` where there is one.

    The settings file is written last: a home without it is none, and can be set up again after it
    was deleted.
    """
    if home.path.exists() and any(home.path.iterdir()):
        raise Unusable("home-not-empty", "the folder is not empty", "name a new folder with --home")
    if not clinic.strip() or not clinic.isprintable() or len(clinic) > 200:
        raise Unusable("clinic-name", "the clinic has no printable name", "give --clinic")
    home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    country = checked_country(country)
    _keys(home)
    identity = generate_identity()
    replace_file(home.incoming_identity, f"{identity.text}\n".encode())
    replace_file(home.incoming_recipient, f"{identity.recipient.text}\n".encode())
    for folder in (home.incoming, home.outgoing):
        folder.mkdir(parents=True, mode=0o700)
    origin = Clinic(name=clinic, country=country).log_origin
    sender, log = SigningKey.generate(origin), SigningKey.generate(origin)
    replace_file(home.manifest_key, sender.seed)
    replace_file(home.log_key, log.seed)
    replace_file(home.sender_vkey, f"{sender.vkey}\n".encode(), mode=0o644)
    replace_file(home.log_vkey, f"{log.vkey}\n".encode(), mode=0o644)
    engine = database.connect(database_url(home))
    database.migrate(engine)
    with database.transaction(engine) as connection:
        ledger.sign(connection, log)
    engine.dispose()
    # A TOML string and a JSON string agree on every printable name.
    text = f"[clinic]\nname = {json.dumps(clinic.strip(), ensure_ascii=False)}\ncountry = {json.dumps(country)}\n"
    replace_file(home.settings, text.encode(), mode=0o644)
    return Installed(identity.recipient.text, sender.vkey, log.vkey)


def _keys(home: Home) -> None:
    try:
        credentials = initialise(home.path)
    except KeysError as error:
        raise Misconfigured(error.code, "the key service cannot be set up", "see docs/errors.md") from None
    for door in ("enrol", "facts", "assignment"):
        token: str = getattr(credentials, door)
        replace_file(home.credential(door), f"{token}\n".encode())


def read_vkey(path: Path) -> str:
    """Return the printed key in a file that `install` wrote."""
    return path.read_text().strip()
