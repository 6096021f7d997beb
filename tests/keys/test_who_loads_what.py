from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from key_service import run

from keys.client import KeysError
from keys.errors import (
    FAILED,
    MISCONFIGURED,
    KeysMisconfigured,
    KeysRefused,
    KeysUnavailable,
    reasons,
    reported,
    told,
)

KEYS = Path(__file__).resolve().parents[2] / "keys"


def loaded_by(statement: str) -> set[str]:
    program = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_client_loads_neither_service_nor_database() -> None:
    loaded = loaded_by("import keys.client as c, pathlib; c.answering(pathlib.Path('h'))")
    ours = {name for name in loaded if name.startswith("keys.")}
    assert ours == {"keys.client", "keys.credentials", "keys.errors", "keys.model", "keys.places"}
    assert not loaded & {"sqlalchemy", "fastapi", "uvicorn", "alembic", "pydantic", "cryptography", "sqlite3"}


def test_the_client_costs_nothing_until_it_asks() -> None:
    assert not loaded_by("import keys.client") & {"httpx", "typer", "rich", "asyncio"}


def test_help_comes_at_once() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "keys.cli", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Time of the processor, so that a busy machine does not count.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.6


def test_help_names_what_works_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "keys.cli", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(word in shown for word in ("serve", "stop", "status"))
    assert "initialise" not in shown
    assert run("erase", home=tmp_path).returncode == 2


def test_every_code_that_is_raised_has_a_sentence_and_none_is_left_over() -> None:
    source = "\n".join(path.read_text() for path in KEYS.rglob("*.py"))
    assert [code for code in reasons() if f'"{code}"' not in source] == []
    assert list(reasons()) == sorted(reasons())
    for reason in reasons().values():
        for text in (reason.what, reason.hint):
            assert text
            assert text[0].islower()
            assert not text.endswith(".")


def test_an_error_survives_the_way_through_a_process() -> None:
    for error in (
        KeysMisconfigured("not-initialised"),
        KeysRefused("already-initialised"),
        KeysUnavailable("keys-not-stopped"),
    ):
        text, exit_code = told(error)
        back: KeysError = reported(text, exit_code)
        assert (type(back), back.code) == (type(error), error.code)
    assert {MISCONFIGURED, FAILED} == {78, 1}
    assert reported("Traceback (most recent call last):", 1).code == "keys-not-started"
