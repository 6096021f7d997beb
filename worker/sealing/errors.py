"""Why a file cannot be sealed or opened, in the classes that the age test vectors name.

An error carries a code, never a key and never a byte of the file.
"""

from __future__ import annotations


class SealingError(Exception):
    """A key or a sealed file that cannot be used; `code` says which rule it breaks."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BadKey(SealingError):
    """The text is not an identity or a recipient of a kind that is known here."""


class NoMatch(SealingError):
    """The file is sealed to somebody else."""


class HeaderFailure(SealingError):
    """The header is not a header of the age v1 format."""


class HmacFailure(SealingError):
    """The header is not the one that was written with this file key."""


class PayloadFailure(SealingError):
    """The payload is cut, lengthened or changed."""


class ArmorFailure(SealingError):
    """The text around an armored file is not strict age armor."""
