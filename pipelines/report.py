"""What was done to which attribute and why: never a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """The action codes of PS3.15 Table E.1-1a."""

    X = "X"
    """removed"""
    Z = "Z"
    """replaced by a zero-length value, or a dummy where the object's rules need one"""
    D = "D"
    """replaced by a dummy value"""
    K = "K"
    """kept"""
    C = "C"
    """cleaned"""
    U = "U"
    """replaced by a UID that is consistent within the case and the recipient's domain"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing done: a place (`PatientName (0010,0010)`, `header`), an action, a reason code."""

    where: str
    action: Action
    reason: str = ""
