"""Options of later issues do not exist: they are usage errors, and nothing is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import ask, two_lines
from installations import surface

from worker.sealing import generate_identity


@pytest.mark.parametrize(
    "words",
    [
        "collect --as lab-a --identity IDENTITY --out OUT --url https://clinic.example --token IDENTITY",
        "ledger verify --dir OUT --vkey KEY",
        "ledger export --format tiles",
        "serve --port 8080",
        "clean SCAN --out OUT --report REPORT --profile everything",
        "clean SCAN --out OUT --report REPORT --retain uids",
        "clean SCAN --out OUT --report REPORT --retain longitudinal-full-dates",
        "clean SCAN --out OUT --report REPORT --retain names",
        "clean SCAN --out OUT --report REPORT --clean recognizable-visual-features",
        "work --processes 0",
        "recipient add lab-a --name Labor --country DK --role broker --key KEY",
    ],
)
def test_it_is_a_usage_error(words: str, tmp_path: Path) -> None:
    (tmp_path / "identity").write_text(generate_identity().text)
    (tmp_path / "scan.stl").write_bytes(surface())
    places = {"IDENTITY": "identity", "SCAN": "scan.stl", "OUT": "out", "REPORT": "report.json"}
    done = ask("--home", tmp_path / "home", *(tmp_path / places[w] if w in places else w for w in words.split()))
    assert done.status == 2
    assert not done.out
    assert "Traceback" not in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["identity", "scan.stl"]


def test_an_unknown_profile_is_said_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "scan.stl").write_bytes(surface())
    done = ask("clean", tmp_path / "scan.stl", "--out", tmp_path / "out", "--report", tmp_path / "r", "--profile", "x")
    assert two_lines(done) == "profile-unknown"
