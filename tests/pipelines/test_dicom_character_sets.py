"""Names are found in the character set that a file declares; what is kept stays as it was written."""

from __future__ import annotations

import dicom_objects as objects
import pytest

from pipelines.text import Charset, charset


@pytest.mark.parametrize(
    ("declared", "codec", "name"),
    [
        ("ISO_IR 100", "latin-1", "Müller-Lüdenscheidt"),
        ("ISO_IR 144", "iso8859_5", "Иванова"),
        ("ISO_IR 192", "utf-8", "Niroloez Ştefănescu"),
        ("GB18030", "gb18030", "王小东先生"),
        ("\\ISO 2022 IR 87", "iso2022_jp", "山田太郎さん"),
        ("ISO-IR 100", "latin-1", "Müller-Lüdenscheidt"),
    ],
)
def test_a_name_in_a_kept_attribute_goes_in_every_character_set(declared: str, codec: str, name: str) -> None:
    ds = objects.ct()
    ds.SpecificCharacterSet, ds.Manufacturer, ds.ManufacturerModelName = "ISO_IR 6", "@" * 60, "Planmeca"
    written = f"von {name}".encode(codec)
    data = objects.as_file(ds)
    data = data.replace(b"@" * 60, written.ljust(60)).replace(b"CS\x08\0ISO_IR 6", cs(declared))
    out = objects.cleaned(data, objects.context(words=(name,)))
    assert name.encode(codec) not in out
    assert b"Planmeca" in out
    assert written in objects.cleaned(data, objects.context(words=("Somebody",)))


def cs(text: str) -> bytes:
    raw = text.encode().ljust(len(text) + len(text) % 2)
    return b"CS" + len(raw).to_bytes(2, "little") + raw


def test_a_misspelt_declaration_is_mended() -> None:
    data = objects.as_file(objects.ct()).replace(b"ISO_IR 100", b"ISO-IR 100")
    assert objects.read(objects.cleaned(data)).SpecificCharacterSet == "ISO_IR 100"


def test_text_that_is_none_in_its_character_set_goes() -> None:
    ds = objects.ct()
    ds.SpecificCharacterSet, ds.Manufacturer = "ISO_IR 192", "Planmeca"
    data = objects.as_file(ds).replace(b"Planmeca", b"Plan\xff\xfeca")
    assert objects.read(objects.cleaned(data)).Manufacturer == ""


@pytest.mark.parametrize("declared", ["NIROLOEZ", "ISO_IR 999"])
def test_a_character_set_that_dicom_does_not_have_is_none(declared: str) -> None:
    assert charset(declared) is None


def test_code_extensions_switch_within_a_value() -> None:
    raw = b"\x1b-LABC\x1b(B=" + "山田".encode("iso2022_jp")
    assert Charset(("", "ISO 2022 IR 144", "ISO 2022 IR 87")).decode(raw) == "ABC=山田"
    assert Charset().decode(b"\x1b$Z") is None
