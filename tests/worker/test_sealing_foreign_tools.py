"""Other implementations of age open what we seal, and we open what they seal."""

from __future__ import annotations

import hashlib
import importlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from environment import ROOT, missing, tool

from worker.sealing import Identity, Kind, generate_identity, open_stream, parse_identity, seal

SIZES = pytest.mark.parametrize("size", [0, 1, 65536, 200_001])
KEY = generate_identity(Kind.CLASSIC)
# A compiled module that describes itself to no type checker.
PYRAGE = importlib.import_module("pyrage")
NPM = ROOT / "tests" / "vectors" / "npm"


def _plain(size: int) -> bytes:
    return (b"upper and lower " * (size // 16 + 1))[:size]


def _sealed(size: int, key: Identity = KEY) -> bytes:
    return b"".join(seal([_plain(size)], key.recipient))


def _run(*command: str, given: bytes) -> bytes:
    return subprocess.run(command, input=given, capture_output=True, check=True, timeout=60).stdout


@pytest.fixture
def identity_file(tmp_path: Path) -> str:
    path = tmp_path / "identity.txt"
    path.write_text(f"# a lab\n{KEY.text}\n")
    return str(path)


@SIZES
def test_the_age_command_opens_ours(size: int, identity_file: str) -> None:
    assert _run(tool("age"), "--decrypt", "-i", identity_file, given=_sealed(size)) == _plain(size)


@SIZES
@pytest.mark.parametrize("armor", [[], ["--armor"]], ids=["binary", "armored"])
def test_we_open_what_the_age_command_sealed(size: int, armor: list[str]) -> None:
    sealed = _run(tool("age"), "--encrypt", *armor, "-r", KEY.recipient.text, given=_plain(size))
    assert b"".join(open_stream([sealed], [KEY])) == _plain(size)


def test_we_open_with_a_key_file_of_age_keygen() -> None:
    text = _run(tool("age-keygen"), given=b"").decode()
    identity = parse_identity(text)
    assert identity.recipient.text in text


def test_the_age_command_refuses_ours_with_the_last_byte_changed(identity_file: str) -> None:
    data = _sealed(1000)
    changed = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(subprocess.CalledProcessError):
        _run(tool("age"), "--decrypt", "-i", identity_file, given=changed)


@SIZES
def test_pyrage_opens_ours(size: int) -> None:
    assert PYRAGE.decrypt(_sealed(size), [PYRAGE.x25519.Identity.from_str(KEY.text)]) == _plain(size)


@SIZES
def test_we_open_what_pyrage_sealed(size: int) -> None:
    sealed = PYRAGE.encrypt(_plain(size), [PYRAGE.x25519.Recipient.from_str(KEY.recipient.text)])
    assert b"".join(open_stream([sealed], [KEY])) == _plain(size)


@pytest.fixture(scope="session")
def npm_age() -> tuple[str, str]:
    """The command that runs npm's `age-encryption`, installed once from the lock file."""
    node, npm = tool("node"), tool("npm")
    parts = [NPM / name for name in ("package.json", "package-lock.json", "age.mjs")]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:16]
    home = ROOT / ".venv" / f"npm-{digest}"
    if not home.exists():
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            for part in parts:
                shutil.copy(part, scratch)
            done = subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=scratch, capture_output=True)
            if done.returncode:
                missing("the npm package age-encryption")
            # Several test processes may get here: the first one's folder stays.
            filled = Path(scratch) / "filled"
            filled.mkdir()
            for name in ("package.json", "age.mjs", "node_modules"):
                (Path(scratch) / name).rename(filled / name)
            if not home.exists():
                filled.rename(home)
    return node, str(home / "age.mjs")


@SIZES
def test_npm_age_encryption_opens_ours(npm_age: tuple[str, str], size: int) -> None:
    key = generate_identity(Kind.POST_QUANTUM)
    assert _run(*npm_age, "open", key.text, given=_sealed(size, key)) == _plain(size)


@SIZES
def test_we_open_what_npm_age_encryption_sealed(npm_age: tuple[str, str], size: int) -> None:
    key = generate_identity(Kind.POST_QUANTUM)
    sealed = _run(*npm_age, "seal", key.recipient.text, given=_plain(size))
    assert b"".join(open_stream([sealed], [key])) == _plain(size)


def test_a_post_quantum_key_made_by_npm_is_the_same_key_here(npm_age: tuple[str, str]) -> None:
    identity, recipient = _run(*npm_age, "keygen", given=b"").decode().split()
    assert parse_identity(identity).recipient.text == recipient
