"""What a job in a child has of the outside: readers that the worker serves, and a way to answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from worker.sandbox.channel import OUTPUT, READ, READ_FRAME, READ_LIMIT, Channel
from worker.sandbox.wire import WireFault

_BLOCK = 1 << 16
_BLOCKS = 16


class Link:
    """The child's side of a channel while a job runs."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def reader(self, index: int, size: int) -> RemoteReader:
        """Return a reader over the worker's source `index`, which has `size` bytes."""
        return RemoteReader(self, index, size)

    def read(self, index: int, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes, at most `READ_LIMIT`, of a source of the worker's."""
        self._channel.send(READ, READ_FRAME.pack(index, offset, length))
        data = self._channel.receive()
        if len(data) != length:
            raise WireFault("read")
        return data

    def output(self, data: bytes) -> None:
        """The worker has the next of the job's outputs."""
        self._channel.send(OUTPUT, data)


Job = Callable[[bytes, Link], None]
"""Something a child can be asked for: it takes the request, and tells its outputs to the link."""


class RemoteReader:
    """A reader whose bytes the worker sends; small reads come from blocks, so most cost no message."""

    def __init__(self, link: Link, index: int, size: int) -> None:
        self._link, self._index, self._size = link, index, size
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        stop = min(offset + max(length, 0), self._size)
        if stop - offset > _BLOCK:
            return b"".join(self._direct(offset, stop))
        parts: list[bytes] = []
        while offset < stop:
            number, skip = divmod(offset, _BLOCK)
            part = self._block(number)[skip : skip + stop - offset]
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _direct(self, offset: int, stop: int) -> list[bytes]:
        """Read past the blocks: long reads are of payload, which is read once."""
        return [
            self._link.read(self._index, start, min(READ_LIMIT, stop - start))
            for start in range(offset, stop, READ_LIMIT)
        ]

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is not None:
            self._blocks.move_to_end(number)
            return block
        start = number * _BLOCK
        block = self._link.read(self._index, start, min(_BLOCK, self._size - start))
        self._blocks[number] = block
        if len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        return block
