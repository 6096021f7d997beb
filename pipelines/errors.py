"""Why a scan cannot go on, as codes a clinic can act on.

An error carries a code and a place: a tag, a member's number. Never a value. The sentences are in
`reasons.csv` beside this file, one row a code, so that the documentation lists what the code raises.
"""

from __future__ import annotations


class PipelineError(Exception):
    """A scan that cannot be forwarded as it is.

    `code` is a row of `reasons.csv`; `where` is a tag or a place in the file, never a value.
    """

    def __init__(self, code: str, where: str = "") -> None:
        super().__init__(f"{code} at {where}" if where else code)
        self.code = code
        self.where = where


class Undecodable(PipelineError):
    """The scan is damaged, unknown or beyond a limit: taken out or replaced, never waved through."""


class NeedsPerson(PipelineError):
    """The scan is whole, but a person has to look at it before it may go."""
