"""The socket between a worker and one child: length-prefixed frames, at most 64 MiB each.

The worker speaks first, with a job's name and its request; from then on the child speaks and the
worker only answers reads. A frame from the child begins with one byte that says what it is.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from dataclasses import dataclass

from worker.sandbox.wire import WireFault

FRAME_LIMIT = 64 << 20
READ_LIMIT = 4 << 20
"""Most bytes that one read may ask for."""

READ, OUTPUT, END, FAULT = b"r", b"o", b"e", b"f"
READ_FRAME = struct.Struct("!IQI")
"""The source's index, the offset, the length."""

WHERE_LIMIT = 200

_CODE = re.compile(r"[a-z0-9-]{1,64}")
_LENGTH = struct.Struct("!I")
_PIECE = 1 << 18


class ChannelClosed(Exception):
    """The other side is gone."""


class OutOfTime(Exception):
    """The other side was waited for longer than it may take."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a child gave up: a code, a place, and whether a person may still let the scan go."""

    code: str
    where: str = ""
    needs_person: bool = False

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code) or len(self.where) > WHERE_LIMIT or not self.where.isprintable():
            raise ValueError


class Channel:
    """One end of the socket.

    `patience` is how many seconds this end waits for the other, all its waits together; the time it
    spends on its own work does not count. `None` waits for ever.
    """

    def __init__(self, end: socket.socket, patience: float | None = None) -> None:
        self._end = end
        self._patience = patience

    def send(self, *parts: bytes) -> None:
        """The other side can receive `parts`, joined, as one frame."""
        size = sum(len(part) for part in parts)
        if size > FRAME_LIMIT:
            raise WireFault("frame")
        begun = self._begin()
        try:
            self._end.sendall(b"".join((_LENGTH.pack(size), *parts)))
        except TimeoutError:
            raise OutOfTime from None
        except OSError:
            raise ChannelClosed from None
        self._spend(begun)

    def receive(self) -> bytes:
        """Return the next frame, however slowly it arrives within the patience."""
        (size,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if size > FRAME_LIMIT:
            raise WireFault("frame")
        return self._exactly(size)

    def close(self) -> None:
        """The other side finds this one gone."""
        self._end.close()

    def _exactly(self, size: int) -> bytes:
        # Grows with what has arrived: a length is a claim, not a reason to allocate.
        held = bytearray()
        while len(held) < size:
            piece = self._piece(min(_PIECE, size - len(held)))
            if len(piece) == size:
                return piece
            held += piece
        return bytes(held)

    def _piece(self, most: int) -> bytes:
        begun = self._begin()
        try:
            piece = self._end.recv(most)
        except TimeoutError:
            raise OutOfTime from None
        except OSError:
            raise ChannelClosed from None
        self._spend(begun)
        if not piece:
            raise ChannelClosed
        return piece

    def _begin(self) -> float:
        if self._patience is None:
            return 0.0
        if self._patience <= 0:
            raise OutOfTime
        self._end.settimeout(self._patience)
        return time.monotonic()

    def _spend(self, begun: float) -> None:
        if self._patience is not None:
            self._patience -= time.monotonic() - begun
