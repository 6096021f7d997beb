"""A zip is opened as layers over its bytes, member by member, whatever its names are."""

from __future__ import annotations

import io
import zipfile

import pytest
from recipes import zipped

from pipelines.archive import Member, members
from pipelines.reader import BytesReader, through

_TEXT = b"the same words again and again, " * 4000


def _contents(data: bytes) -> list[bytes]:
    source = BytesReader(data)
    views = [through(source, member.layers) for member in members(source)]
    return [view.read(0, view.size) for view in views]


def _members(data: bytes) -> tuple[Member, ...]:
    return members(BytesReader(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_read_as_they_were_put_in(method: int) -> None:
    data = zipped(("a", b"first"), ("empty", b""), ("b", _TEXT), method=method)
    assert _contents(data) == [b"first", b"", _TEXT]


def test_members_keep_the_order_of_the_directory() -> None:
    assert [member.name for member in _members(zipped(("z", b"1"), ("a", b"2")))] == ["z", "a"]


def test_a_zip_that_was_streamed_has_its_sizes_behind_the_members() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", _TEXT)
        archive.writestr("b", b"second")
    assert _contents(pipe.getvalue()) == [_TEXT, b"second"]


def test_a_zip64_member_is_read() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a", "w", force_zip64=True) as member,
    ):
        member.write(_TEXT)
    assert _contents(buffer.getvalue()) == [_TEXT]


def test_a_comment_does_not_hide_the_directory() -> None:
    buffer = io.BytesIO(zipped(("a", b"first")))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"Patient: Niroloez " * 100
    assert _contents(buffer.getvalue()) == [b"first"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../../up", "C:\\x", "a\0b", "上颌.stl", "Müller"])
def test_a_name_is_text_and_never_a_path(name: str) -> None:
    member = _members(zipped((name, b"x")))[0]
    assert member.problem is None


def test_a_folder_has_no_content() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.mkdir("Niroloez")
    assert [member.is_folder for member in _members(buffer.getvalue())] == [True]
