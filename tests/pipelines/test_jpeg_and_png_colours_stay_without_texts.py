"""A colour profile's numbers stay, what was written into it does not, and what cannot be told apart goes."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from recipes import cleaned

from pipelines import Kind
from pipelines.raster.colour import rewritten

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_NAME = "Niroloez"


def _profile(version: int, curve: bytes) -> bytes:
    """Return a profile with wide primaries, texts that name someone, and this tone curve."""
    texts = {b"desc": b"desc\0\0\0\0\0\0\0\x09Niroloez\0".ljust(100, b"\0"), b"dmnd": b"text\0\0\0\0Niroloez\0"}
    if version == 4:
        name = _NAME.encode("utf-16-be")
        texts[b"desc"] = b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(name), 28) + name
    points = {b"rXYZ": (0.515, 0.241, -0.001), b"gXYZ": (0.292, 0.692, 0.042), b"bXYZ": (0.157, 0.067, 0.784)}
    points[b"wtpt"] = (0.964, 1.0, 0.825)
    tags = texts | {
        tag: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(x * 65536) for x in xyz)) for tag, xyz in points.items()
    }
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    at, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += struct.pack(">4sII", tag, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = bytearray(128)
    struct.pack_into(">I4sBB", head, 0, at + len(body), b"Niro", version, 0x10)
    head[12:24], head[36:40], head[80:84] = b"mntrRGB XYZ ", b"acsp", b"Niro"
    head[68:80] = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return bytes(head) + table + body


_GAMMA = b"curv\0\0\0\0\0\0\0\1\x02\x33"
_TABLE = b"curv\0\0\0\0" + struct.pack(">I256H", 256, *(x * x for x in range(256)))
_FORMULA = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(x * 65536) for x in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)
_LETTERS = b"curv\0\0\0\0\0\0\0\x04Niroloez"


def _saved(form: str, profile: bytes) -> bytes:
    noise = np.random.default_rng(3).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((72, 64)).save(buffer, form, icc_profile=profile)
    return buffer.getvalue()


def _shown(data: bytes) -> object:
    """Return the pixels as a screen shows them, the profile applied."""
    image = Image.open(io.BytesIO(data))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    return np.asarray(ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))).tolist()


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "profile", [_SRGB, _profile(2, _GAMMA), _profile(2, _TABLE), _profile(4, _FORMULA), _profile(4, _TABLE)]
)
def test_colours_are_shown_as_before_and_the_texts_are_gone(form: str, profile: bytes) -> None:
    before = _saved(form, profile)
    after = cleaned(before, Kind.IMAGE).data
    assert _shown(after) == _shown(before)
    kept: bytes = Image.open(io.BytesIO(after)).info["icc_profile"]
    assert b"Niro" not in kept
    assert _NAME.encode("utf-16-be") not in kept


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("profile", [_profile(2, _LETTERS), b"Niroloez" * 30, _SRGB[:200]])
def test_a_profile_that_cannot_be_told_from_text_goes(form: str, profile: bytes) -> None:
    after = cleaned(_saved(form, profile), Kind.IMAGE)
    assert "icc_profile" not in Image.open(io.BytesIO(after.data)).info


def test_cleaning_again_changes_nothing() -> None:
    once = cleaned(_saved("JPEG", _profile(4, _FORMULA)), Kind.IMAGE).data
    assert cleaned(once, Kind.IMAGE).data == once


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=5), st.integers(0, 900))
def test_a_damaged_profile_is_rewritten_or_dropped(at: int, noise: bytes, cut: int) -> None:
    data = bytearray(_profile(4, _TABLE))
    at %= len(data)
    data[at : at + len(noise)] = noise
    assert len(rewritten(bytes(data[: len(data) - cut])) or b"") <= 60_000
