"""A term is found in whatever character set its bytes are written."""

from __future__ import annotations

import pytest
from leak_files import data_set, dicom, hits, names, with_private_bytes

from pipelines.kinds import Kind
from pipelines.terms import fold


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("spelled", ["Mustermann", "MUSTERMANN", "mUsTeRmAnN"])
def test_a_latin_name_is_found_in_binary_bytes_in_any_case(codec: str, spelled: str) -> None:
    data = with_private_bytes(b"\x01\x02" + spelled.encode(codec) + b"\x03")
    assert hits(data, Kind.DICOM, names("mustermann"))


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp850"])
@pytest.mark.parametrize("spelled", ["Müllerin", "MÜLLERIN", "müllerin"])
def test_a_name_with_an_umlaut_is_found_in_binary_bytes(codec: str, spelled: str) -> None:
    data = with_private_bytes(b"\x01\x02" + spelled.encode(codec) + b"\x03")
    assert hits(data, Kind.DICOM, names("müllerin"))


@pytest.mark.parametrize("spelled", ["Mullerin", "Muellerin", "Mu\u0308llerin", "Ｍüllerin"])
def test_a_name_is_found_as_people_write_it_without_its_accents(spelled: str) -> None:
    ds = data_set("ISO_IR 192")
    ds.ImageComments = spelled
    assert hits(dicom(ds), Kind.DICOM, names("müllerin"))


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("GB18030", "测试用户"),
        ("GBK", "测试用户"),
        ("ISO_IR 144", "Жуковский"),
        ("ISO 2022 IR 6\\ISO 2022 IR 87", "山田太郎"),
        ("ISO 2022 IR 6\\ISO 2022 IR 149", "김희중희"),
        ("ISO_IR 126", "Διονυσίας"),
        ("ISO_IR 192", "Żółkiewska"),
        ("ISO_IR 101", "Żółkiewska"),
    ],
)
def test_a_name_is_found_in_the_character_set_of_its_file(charset: str, name: str) -> None:
    ds = data_set(charset)
    ds.ImageComments = f"x {name} y"
    data = dicom(ds)
    assert hits(data, Kind.DICOM, names(fold(name)))
    assert not hits(data, Kind.DICOM, names("someone", "другая", "佐藤花子"))


@pytest.mark.parametrize("codec", ["gb18030", "iso8859_5", "shift_jis", "euc_kr", "utf-16-le", "koi8_r"])
def test_a_name_in_a_foreign_script_is_found_where_no_character_set_is_declared(codec: str) -> None:
    name = {"shift_jis": "山田太郎", "gb18030": "测试用户", "euc_kr": "김희중희"}.get(codec, "жуковский")
    assert hits(with_private_bytes(b"\x01" + name.encode(codec)), Kind.DICOM, names(name))


def test_a_letter_escaped_in_json_is_read() -> None:
    assert hits(b'{"notes": "M\\u00fcllerin called"}', Kind.UNKNOWN, names("müllerin"))
