"""What crosses the border between a child and a worker is a declared value, or nothing."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, replace
from enum import Enum
from typing import NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reader import Inflated, Slice
from pipelines.report import Action, Finding
from pipelines.segments import Literal, Range
from worker.sandbox.channel import Fault
from worker.sandbox.wire import WireFault, decode, encode

Ordinal = NewType("Ordinal", int)


class Side(Enum):
    LEFT = 1
    RIGHT = 2


@dataclass(frozen=True, slots=True)
class Everything:
    text: str
    number: int
    share: float
    flag: bool
    data: bytes
    side: Side
    ordinal: Ordinal
    pair: tuple[str, int]
    words: frozenset[str]
    maybe: str | None
    findings: tuple[Finding, ...]
    segments: tuple[Literal | Range, ...]


WHOLE = Everything(
    text="用户 \x00 \udc80".encode("utf-8", "ignore").decode(),
    number=1 << 60,
    share=0.1,
    flag=True,
    data=bytes(range(256)),
    side=Side.RIGHT,
    ordinal=Ordinal(7),
    pair=("a", 2),
    words=frozenset(("x", "y")),
    maybe=None,
    findings=(Finding("header", Action.Z), Finding("PatientName (0010,0010)", Action.D, "why")),
    segments=(Literal(b"\xff"), Range(1, 9, (Slice(0, 10), Inflated(2, 5, 30)))),
)


def plain() -> list[object]:
    fields: list[object] = json.loads(encode(Everything, WHOLE))
    return fields


def test_a_value_comes_back_equal() -> None:
    assert decode(Everything, encode(Everything, WHOLE)) == WHOLE


@given(st.binary(), st.text(st.characters(codec="utf-8")), st.integers(0, 1 << 62))
def test_bytes_text_and_numbers_of_any_kind_come_back_equal(data: bytes, text: str, number: int) -> None:
    for segment in (Literal(data), Range(number, number + 1)):
        value = replace(WHOLE, segments=(segment,), text=text, number=number)
        assert decode(Everything, encode(Everything, value)) == value


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, 5), (0, None), (0, ["a"]), (1, "1"), (1, 1.0), (1, True), (2, 1), (3, 1), (3, "true"),
        (4, "?"), (4, "AA"), (4, "ÄÄÄÄ"), (4, [1]), (5, 3), (5, "LEFT"), (5, None), (5, [1]), (6, "7"),
        (7, ["a"]), (7, ["a", 2, 3]), (7, {"a": 2}), (8, "xy"), (8, [1]), (9, 1),
        (10, [["header", "Q", ""]]),
        (10, [["header", "Z"]]), (10, ["header"]), (11, [["Literal"]]), (11, [["Path", ["/"]]]),
        (11, [["Literal", ["", ""]]]), (11, [["Range", [0, 1, [["Range", [0, 1, []]]]]]]),
        (11, [[["x"], []]]),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(place: int, wrong: object) -> None:
    fields = plain()
    fields[place] = wrong
    with pytest.raises(WireFault) as refused:
        decode(Everything, json.dumps(fields).encode())
    assert repr(wrong) not in str(refused.value)


def test_a_missing_or_additional_field_is_refused() -> None:
    for fields in (plain()[:-1], [*plain(), 1]):
        with pytest.raises(WireFault):
            decode(Everything, json.dumps(fields).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[1", b"null", b"NaN", b'["a",NaN]', b"\xff\xfe", b"[" * 100_000, b"9" * 5000,
        pickle.dumps(WHOLE), b'{"text": "a"}', b'"Fault"',
    ],
)  # fmt: skip
def test_bytes_that_are_no_value_are_refused(data: bytes) -> None:
    with pytest.raises(WireFault):
        decode(Everything, data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    try:
        decode(Fault, data)
    except WireFault:
        return


@pytest.mark.parametrize(
    "wrong", [["Eman Niroloez", "", False], ["", "", False], ["a", "x" * 201, False], ["a", "\n", False]]
)
def test_a_fault_with_free_text_is_refused(wrong: list[object]) -> None:
    with pytest.raises(WireFault):
        decode(Fault, json.dumps(wrong).encode())


def test_a_type_that_cannot_cross_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError):
        encode(dict[str, str], {})
