"""What to do with each attribute under a profile, worked out once per tag."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from pipelines.dicom.dictionary import vr_of
from pipelines.dicom.values import DATE_VRS, FREE_VRS
from pipelines.profile import Profile, rule
from pipelines.report import Action


class Plan(NamedTuple):
    """The action for an attribute, the VR its dictionary gives, and why where no table row says it.

    Action K means: kept as far as its value may be.
    """

    action: Action
    vr: str
    listed: bool
    reason: str


# Tags without a meaning are not remembered: a hostile file has as many as it likes.
_ENDLESS = ("private", "not-in-dictionary")


class Plans:
    """The plans of one profile, filled as attributes are met."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._known: dict[int, Plan] = {}

    def of(self, tag: int) -> Plan:
        """Return the plan for the attribute `tag`."""
        found = self._known.get(tag)
        if found is None:
            found = _planned(self._profile, tag)
            if found.reason not in _ENDLESS:
                self._known[tag] = found
        return found


@lru_cache(maxsize=16)
def plans(profile: Profile) -> Plans:
    """Return the plans of `profile`; they are shared by all scans of a process."""
    return Plans(profile)


def _planned(profile: Profile, tag: int) -> Plan:
    if tag >> 16 & 1:
        return Plan(Action.X, "UN", True, "private")
    vr = vr_of(tag)
    listed = rule(profile, (), tag, vr or "UN")
    if listed is not None:
        return Plan(listed, vr or "UN", True, "")
    if vr is None:
        return Plan(Action.X, "UN", False, "not-in-dictionary")
    return _unlisted(profile, vr)


def _unlisted(profile: Profile, vr: str) -> Plan:
    """Decide on an attribute that the standard's table leaves alone.

    The table holds what the standard knows to identify; people write names wherever there is room. So
    text that nobody measures by goes, dates move or go, and the rest is kept and looked into.
    """
    if vr in DATE_VRS:
        return Plan(Action.C if profile.shifts_dates else Action.Z, vr, False, "unlisted-date")
    if vr == "PN":
        return Plan(Action.Z, vr, False, "person-name")
    if vr in FREE_VRS:
        return Plan(Action.D, vr, False, "free-text")
    return Plan(Action.K, vr, False, "")
