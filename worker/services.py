"""What a worker process is given: built once by `worker.app`, passed in ever after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from keys.client import KeyClient
from pipelines.profile import Profile
from worker.cleaning import Cleaner
from worker.sealing import Identity
from worker.settings import Home, Settings
from worker.signing import SigningKey
from worker.store import Store


@dataclass(frozen=True, slots=True)
class Records:
    """What reading and deciding about transfers takes: the database, the log key, the outgoing packages."""

    home: Home
    settings: Settings
    engine: Engine
    outgoing: Store
    log_key: SigningKey = field(repr=False)
    now: Callable[[], datetime]
    random: Callable[[int], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Services:
    """What the queue's actors take beside `records`: the uploads, the way to open them, the key service."""

    records: Records
    incoming: Store
    identity: Identity = field(repr=False)
    manifest_key: SigningKey = field(repr=False)
    keys: KeyClient
    wake_keys: Callable[[], None]
    """Starts the key service where it runs beside the worker and was found away."""
    cleaner: Cleaner
    profile: Profile
