"""One function for every kind: the content decides, and each hold has a sentence and a hint."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from environment import ROOT, shared
from recipes import ascii_solid, binary_stl, cleaned, zipped

from pipelines import Kind, PipelineError, Undecodable
from pipelines.kinds import Format, recognise
from pipelines.reader import BytesReader


def _reasons() -> dict[str, tuple[str, str]]:
    with (ROOT / "pipelines" / "reasons.csv").open(encoding="utf-8") as rows:
        return {row["code"]: (row["what"], row["hint"]) for row in csv.DictReader(rows)}


def test_the_content_decides_and_not_the_claim() -> None:
    with pytest.raises(Undecodable, match="kind-differs"):
        cleaned(binary_stl(), Kind.IMAGE)


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"ply\nformat ascii 1.0\n", Kind.PLY, "ply-not-supported"),
        (b"v 1 2 3\n", Kind.OBJ, "obj-not-supported"),
        (b"%PDF-1.4\n", Kind.PDF, "pdf-not-supported"),
        (b"GIF89a", Kind.IMAGE, "image-format-unsupported"),
        (zipped(("3D/3dmodel.model", b"<")), Kind.THREEMF, "3mf-not-supported"),
        (zipped(("a", b"b")), Kind.ARCHIVE, "archive-not-a-scan"),
        (b"Rar!\x1a\x07\0", Kind.ARCHIVE, "archive-format-unsupported"),
        (b"<HPS version='1.0'>", Kind.UNKNOWN, "hps-not-supported"),
        (b"Dear lab", Kind.UNKNOWN, "unknown-format"),
        (b"", Kind.UNKNOWN, "empty-file"),
    ],
)
def test_what_no_pipeline_cleans_is_held_with_its_own_reason(data: bytes, kind: Kind, code: str) -> None:
    with pytest.raises(Undecodable, match=f"^{code}$"):
        cleaned(data, kind)


def test_both_forms_of_a_surface_come_out_as_stl() -> None:
    assert {cleaned(data, Kind.STL).suffix for data in (binary_stl(), ascii_solid(b"x"))} == {".stl"}


def test_the_same_input_gives_the_same_output() -> None:
    assert cleaned(ascii_solid(b"x"), Kind.STL) == cleaned(ascii_solid(b"x"), Kind.STL)


def test_every_code_of_these_modules_has_a_sentence_and_a_hint() -> None:
    modules = ["__init__", "archive", "kinds", "surface", "surface_text", "survey", "reader"]
    sources = [ROOT / "pipelines" / f"{name}.py" for name in modules]
    sources += (ROOT / "pipelines" / "raster").glob("*.py")
    text = "".join(source.read_text() for source in sources)
    raised = set(re.findall(r'(?:Undecodable|NeedsPerson)\((?:[\w.]+ or )?"([a-z0-9-]+)"', text))
    raised |= {form.problem for form in Format if form.problem}
    assert len(raised) > 20
    reasons = _reasons()
    assert raised <= set(reasons)
    assert all(what and hint for what, hint in reasons.values())
    assert list(reasons) == sorted(reasons)


# What of the shared data cannot be cleaned yet, and why; everything else must come out.
_HELD = {
    "Ref_Mesh_Tag=1_FDI=11.obj": "obj-not-supported",
    "Ref_Mesh_Tag=1_FDI=12.obj": "obj-not-supported",
    "HandleAngledLarge.dcm": "hps-not-supported",
    "scan_040.dcm": "hps-not-supported",
    "box.mtl": "obj-not-supported",
    "box.obj": "obj-not-supported",
    "two_objects.obj": "obj-not-supported",
    "counterXP.3MF": "3mf-not-supported",
    "cube_blender_uv.ply": "ply-not-supported",
    "plane_tri.ply": "ply-not-supported",
}


def _code(path: Path) -> str | None:
    data = path.read_bytes()
    try:
        cleaned(data, recognise(BytesReader(data)))
    except PipelineError as error:
        return error.code
    return None


def test_of_the_shared_data_only_what_is_listed_is_held() -> None:
    paths = [path for path in sorted(shared("data").rglob("*")) if path.is_file()]
    scans = [path for path in paths if path.suffix not in (".md", ".json")]
    held = {path.name: code for path in scans if (code := _code(path)) is not None}
    assert held == _HELD
