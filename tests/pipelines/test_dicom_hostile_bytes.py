"""Damage at any place ends in a clean file or a reason, and ends soon."""

from __future__ import annotations

import time
from contextlib import suppress

import dicom_objects as objects
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from pipelines.dicom import describe
from pipelines.errors import PipelineError
from pipelines.reader import BytesReader

SYNTAXES = (
    "1.2.840.10008.1.2.1",
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


def rich() -> Dataset:
    ds, item = objects.ct(), Dataset()
    item.CodeMeaning = "jaw"
    ds.AnatomicRegionSequence = Sequence([item, item])
    ds["AnatomicRegionSequence"].is_undefined_length = True
    ds.private_block(0x0009, "DOBCO", create=True).add_new(1, "SQ", Sequence([item]))
    return ds


FILES = [objects.as_file(rich(), syntax) for syntax in SYNTAXES]


def survives(data: bytes) -> None:
    start = time.process_time()
    with suppress(PipelineError):
        objects.cleaned(data)
    with suppress(PipelineError):
        describe(BytesReader(data))
    assert time.process_time() - start < 10


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_a_file_cut_anywhere_ends_in_a_reason(data: bytes, draw: st.DataObject) -> None:
    survives(data[: draw.draw(st.integers(0, len(data)))])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_flipped_bytes_end_in_a_reason(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 6))):
        damaged[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    survives(bytes(damaged))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", bytes(128) + b"DICM", b"\x08\0\x05\0CS"]))
def test_any_bytes_end_in_a_reason(data: bytes, head: bytes) -> None:
    survives(head + data)
