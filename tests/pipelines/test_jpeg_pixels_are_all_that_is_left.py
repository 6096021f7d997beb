"""Position, owner, thumbnail, history and comments are gone from a photograph; its pixels are the same."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from environment import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from recipes import Output, cleaned, cleaned_or_held, context

from pipelines import Kind, NeedsPerson, Undecodable

_NAME = b"Niroloez"
_GPS, _ORIENTATION = 0x8825, 0x0112


def _picture(mode: str = "RGB", size: tuple[int, int] = (70, 50)) -> Image.Image:
    noise = np.random.default_rng(7).integers(0, 255, (size[1] // 5, size[0] // 5, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size).convert(mode)


def _saved(mode: str = "RGB", up: int = 1, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = "Niroloez Eman"
    exif[_ORIENTATION] = up
    exif.get_ifd(_GPS)[1] = "N"
    exif.get_ifd(_GPS)[2] = (48.0, 12.0, 30.0)
    buffer = io.BytesIO()
    _picture(mode).save(buffer, "JPEG", exif=exif, comment=b"Niroloez", **options)
    return buffer.getvalue()


def _segment(code: int, payload: bytes) -> bytes:
    return bytes((0xFF, code)) + (len(payload) + 2).to_bytes(2, "big") + payload


def _with(data: bytes, *segments: bytes) -> bytes:
    """Return the JPEG with segments behind its start."""
    return data[:2] + b"".join(segments) + data[2:]


def _pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)))


def _clean(data: bytes) -> Output:
    return cleaned(data, Kind.IMAGE)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"optimize": True},
        {"restart_marker_blocks": 2},
        {"subsampling": 0, "quality": 98},
    ],
)
def test_the_pixels_are_the_same_and_the_words_are_gone(mode: str, options: dict[str, Any]) -> None:
    before = _saved(mode, **options)
    after = _clean(before).data
    assert _NAME in before
    assert _NAME not in after
    assert np.array_equal(_pixels(after), _pixels(before))


@pytest.mark.parametrize("code", [0xFE, *range(0xE0, 0xF0)])
def test_words_are_gone_from_every_segment_of_applications(code: int) -> None:
    for opening in (
        b"",
        b"JFXX\0",
        b"Exif\0\0",
        b"http://ns.adobe.com/xap/1.0/\0",
        b"Photoshop 3.0\0",
        b"Adobe",
    ):
        before = _with(_saved(), _segment(code, opening + b" Patient: Niroloez"))
        assert _NAME not in _clean(before).data


def test_a_thumbnail_in_the_first_segment_is_gone() -> None:
    jfif = _segment(0xE0, b"JFIF\0\x01\x02\x00\x00\x48\x00\x48\x02\x02" + b"Niroloez1234")
    after = _clean(_with(_saved(), jfif)).data
    assert _NAME not in after
    assert after[2:20] == _segment(0xE0, b"JFIF\0\x01\x02\x00\x00\x48\x00\x48\x00\x00")


def test_bytes_behind_the_image_are_gone() -> None:
    result = _clean(_saved() + b"Niroloez" + _saved())
    assert _NAME not in result.data
    assert result.data.endswith(b"\xff\xd9")
    assert "trailing bytes" in result.places


def test_fill_bytes_between_segments_are_no_damage() -> None:
    before = _saved()
    at = before.index(b"\xff\xdb")
    padded = before[:at] + b"\xff\xff\xff" + before[at:]
    assert np.array_equal(_pixels(_clean(padded).data), _pixels(before))


@pytest.mark.parametrize("up", range(1, 9))
def test_which_way_is_up_stays_and_nothing_else_of_exif(up: int) -> None:
    before = _saved(up=up)
    after = Image.open(io.BytesIO(_clean(before).data))
    assert dict(after.getexif()) == ({} if up == 1 else {_ORIENTATION: up})
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(before)))
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(after)), np.asarray(shown))


def test_cleaning_again_changes_nothing() -> None:
    once = _clean(_saved(up=6)).data
    again = _clean(once)
    assert again.data == once


def test_the_report_names_what_was_removed() -> None:
    places = _clean(_with(_saved(), _segment(0xED, b"Photoshop 3.0\0Niroloez"))).places
    assert {"APP1 EXIF", "APP13", "COM"} <= places
    assert not any("Niroloez" in place for place in places)


def test_a_photograph_that_nobody_checked_is_held() -> None:
    with pytest.raises(NeedsPerson, match="pixels-unchecked"):
        cleaned(_saved(), Kind.IMAGE, context(pixels_checked=False))


def test_a_profile_that_leaves_pixels_alone_holds_no_photograph() -> None:
    assert cleaned(_saved(), Kind.IMAGE, context("basic", pixels_checked=False)).suffix == ".jpg"


def test_a_truncated_photograph_is_held() -> None:
    with pytest.raises(Undecodable, match="jpeg-truncated"):
        _clean(_saved()[:-2])


def test_a_table_that_is_longer_than_its_content_is_held() -> None:
    before = _saved()
    at = before.index(b"\xff\xdb")
    length = int.from_bytes(before[at + 2 : at + 4], "big")
    longer = _segment(0xDB, before[at + 4 : at + 2 + length] + b"Niroloez")
    with pytest.raises(Undecodable, match="jpeg-damaged"):
        _clean(before[:at] + longer + before[at + 2 + length :])


def test_a_real_photograph_keeps_its_pixels() -> None:
    before = Path(shared("data/itero-mouth-stl-2022/gallery_#76392642_penta_left_m.jpg")).read_bytes()
    assert np.array_equal(_pixels(_clean(before).data), _pixels(before))


@settings(deadline=None)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=4), st.integers(0, 5000))
def test_damage_is_cleaned_or_held(at: int, noise: bytes, cut: int) -> None:
    data = bytearray(_with(_saved(), _segment(0xE1, b"Exif\0\0MM\0*Niroloez")))
    at %= len(data)
    data[at : at + len(noise)] = noise
    _, held = cleaned_or_held(bytes(data[: max(1, len(data) - cut)]), Kind.IMAGE)
    assert "Niroloez" not in held
