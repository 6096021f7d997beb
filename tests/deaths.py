"""Deaths of a process at a chosen point, inside a test: what it was given dies with it.

`Fate` counts the points at which a process can die: around every transaction, every object put, opened
or deleted, every question to the key service. At the chosen one it raises `Death`, and from then on every
call fails: a dead process tidies nothing up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Engine

from keys.client import Assignment, Enrolment, Facts, KeyClient
from worker.intake import Reception
from worker.services import Records, Services
from worker.settings import Home
from worker.store import Listed, Object, Store, Stored

PLACES = ("begin", "commit", "committed", "put", "putting", "stored", "open", "opened", "ask", "answered")
"""The kinds of points that every process passes."""


class Death(BaseException):
    """A process ends here: nothing catches it."""


class Fate:
    """Records the points that were passed; the process dies at the one numbered `at`."""

    def __init__(self, at: int | None = None) -> None:
        self.points: list[str] = []
        self._at = at
        self.is_dead = False

    def meet(self, place: str) -> None:
        """Pass a point, or die there."""
        if not self.is_dead:
            self.points.append(place)
            self.is_dead = len(self.points) - 1 == self._at
        if self.is_dead:
            raise Death

    def of(self, place: str) -> list[int]:
        """Return the numbers of the points of one kind."""
        return [number for number, passed in enumerate(self.points) if passed == place]


class MortalStore:
    """A folder store whose user dies around a put, or in the midst of one, and leaves what was written."""

    def __init__(self, store: Store, root: Path, fate: Fate) -> None:
        self._store, self._root, self._fate = store, root, fate

    def put(self, key: str, chunks: Iterable[bytes]) -> Stored:
        """Put with three points: before, after the first chunk, and after."""
        self._fate.meet("put")
        try:
            stored = self._store.put(key, self._torn(chunks))
        except Death:
            # The store tidied up behind an exception; behind a death nobody would have.
            partial = self._root / f"{key}.torn.partial"
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(b"torn")
            raise
        self._fate.meet("stored")
        return stored

    def open(self, key: str) -> Object:
        """Open with a point before and after."""
        self._fate.meet("open")
        opened = self._store.open(key)
        try:
            self._fate.meet("opened")
        except Death:
            opened.close()
            raise
        return opened

    def folders(self) -> list[str]:
        """List folders."""
        self._fate.meet("list")
        return self._store.folders()

    def list(self, folder: str) -> list[Listed]:
        """List objects."""
        self._fate.meet("list")
        return self._store.list(folder)

    def delete(self, key: str) -> None:
        """Delete with a point before and after."""
        self._fate.meet("delete")
        self._store.delete(key)
        self._fate.meet("deleted")

    def _torn(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for number, chunk in enumerate(chunks):
            yield chunk
            if number == 0:
                self._fate.meet("putting")


class MortalKeys(KeyClient):
    """A key client whose user dies before asking or after the answer came."""

    def __init__(self, client: KeyClient, fate: Fate) -> None:
        self._client_within, self._fate = client, fate

    def enrol(self, enrolment: Enrolment) -> None:
        """Enrol between two points."""
        self._fate.meet("ask")
        self._client_within.enrol(enrolment)
        self._fate.meet("answered")

    def facts(self, transfer_id: str) -> Facts:
        """Ask between two points."""
        self._fate.meet("ask")
        facts = self._client_within.facts(transfer_id)
        self._fate.meet("answered")
        return facts

    def assignment(self, transfer_id: str) -> Assignment:
        """Ask between two points."""
        self._fate.meet("ask")
        assignment = self._client_within.assignment(transfer_id)
        self._fate.meet("answered")
        return assignment

    def close(self, transfer_id: str) -> None:
        """Close between two points."""
        self._fate.meet("ask")
        self._client_within.close(transfer_id)
        self._fate.meet("answered")


class MortalEngine:
    """An engine whose user dies before a transaction, before its commit, or when it is durable."""

    def __init__(self, engine: Engine, fate: Fate) -> None:
        self._engine, self._fate = engine, fate

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Commit between two points."""
        self._fate.meet("begin")
        with self._engine.begin() as connection:
            yield connection
            self._fate.meet("commit")
        self._fate.meet("committed")


def mortal_worker(services: Services, fate: Fate) -> Services:
    """Return what a worker is given, dying by `fate`."""
    return replace(
        services,
        records=mortal_records(services.records, fate),
        incoming=MortalStore(services.incoming, services.records.home.incoming, fate),
        keys=MortalKeys(services.keys, fate),
    )


def mortal_records(records: Records, fate: Fate) -> Records:
    """Return what reading and deciding takes, dying by `fate`."""
    outgoing = MortalStore(records.outgoing, records.home.outgoing, fate)
    return replace(records, engine=_engine(records.engine, fate), outgoing=outgoing)


def mortal_reception(reception: Reception, home: Home, fate: Fate) -> Reception:
    """Return what accepting takes, dying by `fate`."""
    return replace(
        reception,
        engine=_engine(reception.engine, fate),
        incoming=MortalStore(reception.incoming, home.incoming, fate),
        keys=MortalKeys(reception.keys, fate),
    )


def _engine(engine: Engine, fate: Fate) -> Engine:
    # `worker.database.transaction`, the only user of an engine, calls nothing but `begin`.
    return cast("Engine", MortalEngine(engine, fate))
