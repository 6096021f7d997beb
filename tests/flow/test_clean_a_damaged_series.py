"""A damaged slice is quarantined by `clean`; the rest of its series is not lost with it."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import ask
from dicom_objects import as_file, ct


def test_the_other_slices_of_a_damaged_series_are_cleaned(tmp_path: Path) -> None:
    series = tmp_path / "series"
    series.mkdir()
    for number in (1, 2, 3):
        data = as_file(ct(number))
        (series / f"{number}.dcm").write_bytes(data[:-9] if number == 2 else data)
    done = ask("clean", series, "--out", tmp_path / "out", "--report", tmp_path / "report.json")
    assert done.status == 3
    files = json.loads((tmp_path / "report.json").read_text())["files"]
    assert [file["status"] for file in files] == ["cleaned", "quarantined", "cleaned"]
    assert files[1]["reason"] == "dicom-truncated"
    assert [len(file["outputs"]) for file in files] == [1, 0, 1]
