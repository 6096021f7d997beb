"""Seal and open files in the age v1 format (C2SP age), pure: bytes in, bytes out.

Keys are single lines of text that any age tool understands. A file is sealed to exactly one recipient;
who sealed it is not said by the format, which is why packages are signed inside.
"""

from __future__ import annotations

from worker.sealing.armor import dearmor
from worker.sealing.errors import (
    ArmorFailure,
    BadKey,
    HeaderFailure,
    HmacFailure,
    NoMatch,
    PayloadFailure,
    SealingError,
)
from worker.sealing.files import open_stream, seal, sealed_size
from worker.sealing.reader import SealedReader
from worker.sealing.recipients import (
    Identity,
    Kind,
    Recipient,
    generate_identity,
    is_post_quantum,
    parse_identities,
    parse_identity,
    parse_recipient,
)

__all__ = [
    "ArmorFailure",
    "BadKey",
    "HeaderFailure",
    "HmacFailure",
    "Identity",
    "Kind",
    "NoMatch",
    "PayloadFailure",
    "Recipient",
    "SealedReader",
    "SealingError",
    "dearmor",
    "generate_identity",
    "is_post_quantum",
    "open_stream",
    "parse_identities",
    "parse_identity",
    "parse_recipient",
    "seal",
    "sealed_size",
]
