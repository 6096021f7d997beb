"""Text chunks, profiles and tails are gone from a PNG; what decodes is the same."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from environment import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from recipes import Output, cleaned, cleaned_or_held, context, png_chunk

from pipelines import Kind, NeedsPerson, Undecodable

_NAME = b"Niroloez"


def _picture(mode: str) -> Image.Image:
    noise = np.random.default_rng(7).integers(0, 255, (23, 31, 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def _saved(mode: str = "RGB", **options: Any) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", "Niroloez")
    text.add_text("Comment", "Niroloez " * 9, zip=True)
    text.add_itxt("Author", "Niroloez", "de", "Niroloez")
    buffer = io.BytesIO()
    _picture(mode).save(buffer, "PNG", pnginfo=text, **options)
    return buffer.getvalue()


def _with(data: bytes, *chunks: bytes, before: bytes = b"IDAT") -> bytes:
    at = data.index(before) - 4
    return data[:at] + b"".join(chunks) + data[at:]


def _pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def _clean(data: bytes) -> Output:
    return cleaned(data, Kind.IMAGE)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_the_pixels_are_the_same_and_the_words_are_gone(mode: str) -> None:
    deep = np.random.default_rng(7).integers(0, 1 << 16, (23, 31), dtype=np.uint16)
    picture = Image.fromarray(deep) if mode == "I;16" else _picture(mode)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", dpi=(96, 96))
    before = _with(buffer.getvalue(), png_chunk(b"tEXt", b"Patient\0Niroloez"))
    after = _clean(before).data
    assert _NAME not in after
    assert b"pHYs" in after
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(after))), np.asarray(Image.open(io.BytesIO(before))))


def test_transparency_of_a_palette_stays() -> None:
    before = _saved("P", transparency=3)
    assert b"tRNS" in _clean(before).data
    assert np.array_equal(_pixels(_clean(before).data), _pixels(before))


@pytest.mark.parametrize(
    "name",
    [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME", b"sPLT", b"hIST", b"prVt", b"raNd", b"caBX"],
)
@pytest.mark.parametrize("place", [b"IDAT", b"IEND"])
def test_every_other_chunk_is_gone(name: bytes, place: bytes) -> None:
    result = _clean(_with(_saved(), png_chunk(name, b"Niroloez"), before=place))
    assert _NAME not in result.data
    assert name not in result.data
    assert name.decode() in result.places


def test_a_kept_chunk_of_another_length_is_gone() -> None:
    chunks = [png_chunk(name, b"Niroloez Eman" * 30) for name in (b"gAMA", b"tRNS", b"pHYs", b"PLTE")]
    assert _NAME not in _clean(_with(_saved(), *chunks)).data


def test_a_doubled_chunk_is_kept_once() -> None:
    gamma = png_chunk(b"gAMA", (45455).to_bytes(4, "big"))
    assert _clean(_with(_saved(), gamma, png_chunk(b"gAMA", b"Niro"))).data.count(b"gAMA") == 1


def test_bytes_behind_the_end_are_gone() -> None:
    result = _clean(_saved() + b"Niroloez")
    assert _NAME not in result.data
    assert "trailing bytes" in result.places


@pytest.mark.parametrize("up", [1, 3, 6, 8])
def test_which_way_is_up_stays(up: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = up
    exif[0x013B] = "Niroloez"
    after = Image.open(io.BytesIO(_clean(_saved(exif=exif)).data))
    assert dict(after.getexif()) == ({} if up == 1 else {0x0112: up})


def test_cleaning_again_changes_nothing() -> None:
    once = _clean(_saved()).data
    assert _clean(once).data == once


def _rewritten(data: bytes, stream: bytes) -> bytes:
    start, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    return data[:start] + png_chunk(b"IDAT", stream) + data[end:]


def _stream(data: bytes) -> bytes:
    at = data.index(b"IDAT")
    return data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at], "big")]


def test_bytes_behind_the_compressed_pixels_are_held() -> None:
    data = _saved()
    with pytest.raises(Undecodable, match="png-damaged"):
        _clean(_rewritten(data, _stream(data) + b"Niroloez"))


def test_rows_below_the_last_are_held() -> None:
    data = _saved()
    with pytest.raises(Undecodable, match="png-damaged"):
        _clean(_rewritten(data, zlib.compress(zlib.decompress(_stream(data)) + b"Niroloez")))


def test_a_bomb_of_pixels_is_held() -> None:
    data = _saved()
    with pytest.raises(Undecodable, match="png-damaged"):
        _clean(_rewritten(data, zlib.compress(bytes(64 << 20))))


def test_an_animated_picture_is_held() -> None:
    buffer = io.BytesIO()
    _picture("RGB").save(buffer, "PNG", save_all=True, append_images=[_picture("RGB").rotate(90)])
    with pytest.raises(Undecodable, match="png-animated"):
        _clean(buffer.getvalue())


def test_a_picture_that_nobody_checked_is_held() -> None:
    with pytest.raises(NeedsPerson, match="pixels-unchecked"):
        cleaned(_saved(), Kind.IMAGE, context(pixels_checked=False))


def test_a_wrong_checksum_is_held() -> None:
    data = bytearray(_saved())
    data[data.index(b"IDAT") + 9] ^= 1
    with pytest.raises(Undecodable, match="png-damaged"):
        _clean(bytes(data))


def test_a_truncated_picture_is_held() -> None:
    with pytest.raises(Undecodable, match="png-truncated"):
        _clean(_saved()[:-1])


@pytest.mark.parametrize("path", ["five-photo-teeth/1-2.png", "itero-mouth-stl-2022/itero_element_logo.png"])
def test_real_pictures_keep_their_pixels(path: str) -> None:
    before = Path(shared(f"data/{path}")).read_bytes()
    assert np.array_equal(_pixels(_clean(before).data), _pixels(before))


@settings(deadline=None)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=4), st.integers(0, 3000))
def test_damage_is_cleaned_or_held(at: int, noise: bytes, cut: int) -> None:
    data = bytearray(_saved())
    at %= len(data)
    data[at : at + len(noise)] = noise
    after, held = cleaned_or_held(bytes(data[: max(1, len(data) - cut)]), Kind.IMAGE)
    assert _NAME not in after
    assert "Niroloez" not in held
