from __future__ import annotations

import subprocess
import sys

import pytest
from command_line import ask

HEAVY = (
    "alembic",
    "boto3",
    "cryptography",
    "dramatiq",
    "fastapi",
    "httpx",
    "numpy",
    "PIL",
    "pydantic",
    "pydantic_settings",
    "pydicom",
    "sqlalchemy",
    "trimesh",
    "uvicorn",
)
COMMANDS = (
    "demo",
    "init",
    "keygen",
    "recipient",
    "submit",
    "work",
    "status",
    "held",
    "release",
    "reject",
    "acknowledge",
    "collect",
    "seal",
    "open",
    "clean",
    "ledger",
)


@pytest.mark.parametrize("program", ["worker.cli", "keys.cli"])
def test_help_loads_nothing_heavy(program: str) -> None:
    script = (
        f"import sys; sys.argv = ['program', '--help']\nimport {program}\n"
        f"try:\n {program}.main()\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_lists_every_command() -> None:
    said = ask("--help")
    assert said.status == 0
    listed = {line.split()[0] for line in said.out.splitlines() if line.startswith("  ") and line.split()}
    assert listed >= set(COMMANDS)


@pytest.mark.parametrize("command", [*COMMANDS, "held show", "ledger verify", "recipient add"])
def test_every_command_explains_itself(command: str) -> None:
    said = ask(*command.split(), "--help")
    assert said.status == 0
    assert "Usage:" in said.out
    assert not said.err
