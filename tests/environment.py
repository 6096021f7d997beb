"""What a test needs from the machine: it skips on a laptop where that is absent, and fails in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def missing(what: str) -> None:
    """Skip the test, or fail it where CI promised that `what` is there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI promises it")
    pytest.skip(f"{what} is missing")


def shared(path: str) -> Path:
    """Return `path` in the folder of reference data beside the checkout."""
    found = ROOT.parent / "shared" / path
    if not found.exists():
        missing(f"reference data {path}")
    return found


def tool(name: str) -> str:
    """Return the path of the foreign program `name`, in the environment or on PATH."""
    beside = ROOT / ".venv" / "bin" / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        missing(f"the program {name}")
    return str(found)
