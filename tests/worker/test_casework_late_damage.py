"""A source may turn out to be damaged only while its ranges are read into the package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.errors import Undecodable
from pipelines.kinds import Kind
from pipelines.roles import Role
from worker.casework import members
from worker.errors import Held
from worker.model import Hold
from worker.scans import CleanedFile, CleanedScan, Placed, Scan


def damaged() -> Iterator[bytes]:
    yield b"the first chunk"
    raise Undecodable("deflate-damaged", "member 2")


def test_damage_that_streaming_finds_is_a_hold_of_its_scan() -> None:
    placed = Placed(3, (2,), (), Kind.STL, 99, Role.UPPER, None, 0, None)
    scan = Scan(placed.id, Role.UPPER, Kind.STL, (placed,))
    (member,) = members([CleanedScan(scan, (CleanedFile(placed, ".stl", 99, damaged, (), ()),))])
    with pytest.raises(Held) as held:
        list(member.open())
    assert member.path == "upper.stl"
    assert held.value.holds == (Hold("deflate-damaged", "3.2", "member 2"),)
