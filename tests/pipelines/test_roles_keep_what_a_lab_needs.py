"""A role survives the removal of a name, and nothing else of the name does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.roles import Role, Unnamed, neutral_names, role_of_header, role_of_mesh, role_of_picture

_CT, _DX, _NM = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.20"
_IO = "1.2.840.10008.5.1.4.1.1.1.3"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Niroloez-UpperJaw.stl", Role.UPPER),
        ("Niroloez-LowerJaw.stl", Role.LOWER),
        ("Niroloez-TotalJaw0.stl", Role.BITE),
        ("4711-upperjaw-situ.stl", Role.UPPER_PRE_PREP),
        ("UpperJaw/Data.obj", Role.UPPER),
        ("76392642_shell_occlusion_u.stl", Role.UPPER),
        ("76392642_shell_teethup_l.stl", Role.LOWER),
        ("Oberkiefer-scan.obj", Role.UPPER),
        ("Unterkiefer.stl", Role.LOWER),
        ("felso_allcsont.stl", Role.UPPER),
        ("alsó_állcsont.stl", Role.LOWER),
        ("case12_U.stl", Role.UPPER),
        ("Иванова верхняя челюсть.stl", Role.UPPER),
        ("НИЖНЯЯ_ЧЕЛЮСТЬ.stl", Role.LOWER),
        ("用户_上颌.stl", Role.UPPER),
        ("用户_下颌.stl", Role.LOWER),
        ("用户_下颌.stl".encode("gb18030").decode("cp437"), Role.LOWER),
        ("верхняя.stl".encode("cp866").decode("cp437"), Role.UPPER),
        ("MANDIBLE.STL", Role.LOWER),
        ("maxilla2.stl", Role.UPPER),
        ("BiteScan.stl", Role.BITE),
        ("occlusion.stl", Role.BITE),
        ("LowerJawScanBody.stl", Role.LOWER_SCAN_BODY),
        ("scanbody.stl", Role.SCAN_BODY),
        ("Lower_Anna_UpperJaw.stl", Role.UPPER),
        ("upper and lower.stl", Role.SCAN),
        ("Max_Mustermann.stl", Role.SCAN),
        ("U_Niroloez.stl", Role.SCAN),
        ("Niroloez_L.zip/export.stl", Role.SCAN),
        ("export.stl", Role.SCAN),
    ],
)
def test_a_mesh_has_the_role_that_its_name_speaks_of(name: str, role: Role) -> None:
    assert role_of_mesh(name) is role


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("IMG_2231.jpg", Role.PHOTO),
        ("OPG Niroloez.jpg", Role.PANORAMIC),
        ("Панорамный снимок.png", Role.PANORAMIC),
        ("lateral_ceph.png", Role.CEPHALOMETRIC),
        ("bitewing left.jpg", Role.BITEWING),
    ],
)
def test_a_picture_without_a_word_is_a_photo(name: str, role: Role) -> None:
    assert role_of_picture(name) is role


@pytest.mark.parametrize(
    ("sop_class", "modality", "texts", "role"),
    [
        (_DX, "PX", (), Role.PANORAMIC),
        (_DX, "DX", ("LL", "SKULL", ""), Role.CEPHALOMETRIC),
        (_DX, "DX", ("", "", "Ceph lateral"), Role.CEPHALOMETRIC),
        (_DX, "DX", ("", "JAW", "PX control - Eman Niroloez"), Role.PANORAMIC),
        (_DX, "DX", ("", "HAND", ""), Role.SCAN),
        (_IO, "IO", ("", "", ""), Role.INTRAORAL_XRAY),
        (_IO, "IO", ("", "", "Bitewing right"), Role.BITEWING),
        (_CT, "CT", (), Role.CBCT),
        (f"{_CT}.1", "CT", (), Role.CBCT),
        ("1.2.840.10008.5.1.4.1.1.77.1.4", "XC", (), Role.PHOTO),
        (_NM, "NM", (), Role.SCAN),
        ("", "", (), Role.SCAN),
    ],
)
def test_an_instance_has_the_role_of_what_made_it(
    sop_class: str, modality: str, texts: tuple[str, ...], role: Role
) -> None:
    assert role_of_header(sop_class, modality, texts) is role


def test_names_are_numbered_when_they_repeat() -> None:
    items = [Unnamed(Role.UPPER, ".stl"), Unnamed(Role.PHOTO, ".jpg"), Unnamed(Role.PHOTO, ".jpg")]
    assert neutral_names(items) == ("upper.stl", "photo.jpg", "photo-2.jpg")


def test_the_slices_of_a_series_share_a_folder_in_their_order() -> None:
    slices = [Unnamed(Role.CBCT, ".dcm", "first", order) for order in (3, 1, 2)]
    other = [Unnamed(Role.CBCT, ".dcm", "second", 1), Unnamed(Role.CBCT, ".dcm", "second", 1)]
    assert neutral_names([*slices, *other]) == (
        "cbct/0003.dcm",
        "cbct/0001.dcm",
        "cbct/0002.dcm",
        "cbct-2/0001.dcm",
        "cbct-2/0002.dcm",
    )


def test_a_series_of_one_instance_is_a_file() -> None:
    assert neutral_names([Unnamed(Role.PANORAMIC, ".dcm", "only", 1)]) == ("panoramic.dcm",)


_items = st.builds(
    Unnamed,
    st.sampled_from(Role),
    st.sampled_from([".stl", ".dcm", ".jpg"]),
    st.sampled_from([None, "a", "b"]),
    st.integers(0, 3),
)


@given(st.lists(_items, max_size=30))
def test_every_item_gets_a_name_of_its_own(items: list[Unnamed]) -> None:
    names = neutral_names(items)
    assert len(set(names)) == len(items)
    assert names == neutral_names(items)


@given(st.text(max_size=60))
def test_any_name_has_a_role_from_the_list(name: str) -> None:
    assert role_of_mesh(name) in Role
    assert role_of_picture(name) in Role
