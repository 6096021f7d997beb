"""`pseudodont` as a person runs it: a process, or the same `main` inside this one where many are needed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.cli import main


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything a person could read."""
        return self.out + self.err


def run(*words: str | Path, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Done:
    """Run `pseudodont` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "worker.cli", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, **(environment or {})},
    )
    return Done(done.returncode, done.stdout, done.stderr)


def ask(*words: str | Path) -> Done:
    """Run `pseudodont` inside this process: the same code, without a second of imports."""
    out, err, given = io.StringIO(), io.StringIO(), sys.argv
    status: object = 0
    try:
        sys.argv = ["pseudodont", *map(str, words)]
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        status = end.code or 0
    finally:
        sys.argv = given
    assert isinstance(status, int)
    return Done(status, out.getvalue(), err.getvalue())


def two_lines(done: Done) -> str:
    """Return the code of a fault that is said as one: what is wrong, what to do, and nothing else."""
    wrong, hint = done.err.splitlines()
    assert hint.startswith("hint: ")
    assert not done.out
    assert "Traceback" not in done.err
    for line in (wrong, hint):
        assert not line.endswith((".", "!"))
    return wrong.partition(":")[0]
