"""Uploads at rest: each item sealed to the incoming key as ordered parts.

Who receives holds only the public key. No file key outlives a part, so a resumed upload adds parts
and never needs the key of an earlier one. Who reads checks the sealed bytes against the digests in
the database first: anyone who can write the store could otherwise seal other bytes to the public key.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from worker.cases import SealedOrder
from worker.errors import Held, Unavailable, Unusable
from worker.model import CaseId, Item, Part
from worker.sealing import Identity, Recipient, SealedReader, SealingError, seal
from worker.store import Object, Store

PART_SIZE = 64 << 20
MAX_ITEM = 16 << 30
_CHUNK = 1 << 20
_OPEN_PARTS = 4


class _Pieces:
    """A byte stream handed out in pieces, digested and counted on the way."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._ahead = next(self._chunks, None)
        self.digest = hashlib.sha256()
        self.size = 0

    @property
    def is_exhausted(self) -> bool:
        return self._ahead is None

    def take(self, limit: int) -> Iterator[bytes]:
        while self._ahead is not None and limit > 0:
            chunk, rest = self._ahead[:limit], self._ahead[limit:]
            self._ahead = rest or next(self._chunks, None)
            limit -= len(chunk)
            self.size += len(chunk)
            if self.size > MAX_ITEM:
                raise Unusable("item-too-large", "an uploaded file is larger than 16 GiB", "split the case")
            self.digest.update(chunk)
            yield chunk


def receive(store: Store, key: Recipient, case: CaseId, ordinal: int, chunks: Iterable[bytes]) -> Item:
    """Seal one uploaded file into the store, unparsed; nothing but sealed bytes is written."""
    pieces = _Pieces(chunks)
    parts: list[Part] = []
    while not parts or not pieces.is_exhausted:
        name = f"{case}/{ordinal:05d}/{len(parts):05d}.age"
        before = pieces.size
        stored = store.put(name, seal(pieces.take(PART_SIZE), key))
        parts.append(Part(name, pieces.size - before, stored.sha256))
    return Item(ordinal, pieces.size, pieces.digest.hexdigest(), tuple(parts))


def receive_order(store: Store, key: Recipient, case: CaseId, content: bytes) -> SealedOrder:
    """Seal the order of a case beside its items."""
    name = f"{case}/order.age"
    stored = store.put(name, seal([content], key))
    return SealedOrder(name, len(content), stored.sha256)


class Uploads:
    """The sealed items of one case, opened as they are read and closed with the block."""

    def __init__(self, store: Store, identities: Sequence[Identity]) -> None:
        self._store, self._identities = store, identities
        self._open: OrderedDict[str, tuple[Object, SealedReader]] = OrderedDict()

    def __enter__(self) -> Uploads:
        return self

    def __exit__(self, *_: object) -> None:
        for source, _reader in self._open.values():
            source.close()
        self._open.clear()

    def check(self, items: Iterable[Item]) -> None:
        """Raise `Held` unless the sealed bytes of every item are the ones that were received."""
        for item in items:
            for part in item.parts:
                self._check(part.object, part.sha256)

    def order(self, order: SealedOrder) -> bytes:
        """Return the clear order; it is never written."""
        self._check(order.object, order.sha256)
        return self.read(order.object, 0, order.size)

    def item(self, item: Item) -> ItemReader:
        """Return the clear bytes of an item as a reader."""
        return ItemReader(self, item)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return clear bytes of one sealed object."""
        try:
            return self._reader(name).read(offset, length)
        except SealingError:
            raise Held("upload-damaged", "a sealed upload cannot be opened", "submit the case again") from None

    def _reader(self, name: str) -> SealedReader:
        if name not in self._open:
            source = self._opened(name)
            self._open[name] = (source, SealedReader(source, self._identities))
            if len(self._open) > _OPEN_PARTS:
                self._open.popitem(last=False)[1][0].close()
        self._open.move_to_end(name)
        return self._open[name][1]

    def _opened(self, name: str) -> Object:
        try:
            return self._store.open(name)
        except Unavailable as away:
            if away.code != "object-missing":
                raise
            raise Held("upload-damaged", "a sealed upload is gone", "submit the case again") from None

    def _check(self, name: str, sha256: str) -> None:
        digest = hashlib.sha256()
        with self._opened(name) as source:
            for offset in range(0, source.size, _CHUNK):
                digest.update(source.read(offset, _CHUNK))
        if digest.hexdigest() != sha256:
            raise Held("upload-damaged", "a sealed upload is not what was received", "submit the case again")


class ItemReader:
    """One item across its parts (a `pipelines.reader.Reader`)."""

    def __init__(self, uploads: Uploads, item: Item) -> None:
        self._uploads, self._item = uploads, item
        self._ends = list(accumulate(part.size for part in item.parts))

    @property
    def size(self) -> int:
        return self._item.size

    def read(self, offset: int, length: int) -> bytes:
        out = bytearray()
        index = bisect_right(self._ends, offset)
        while len(out) < length and index < len(self._ends):
            part = self._item.parts[index]
            skip = offset + len(out) - (self._ends[index] - part.size)
            out += self._uploads.read(part.object, skip, min(length - len(out), part.size - skip))
            index += 1
        return bytes(out)
