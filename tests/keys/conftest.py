from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from key_service import Clock, Installation, installation, opened

from keys import app
from keys.table import KeyTable


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installation]:
    """A key service that is set up and not running."""
    with installation(tmp_path / "home") as made:
        yield made


@pytest.fixture(scope="module")
def shared_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running key service for tests that only ask."""
    with installation(tmp_path_factory.mktemp("keys") / "home") as made:
        made.started()
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(tmp_path: Path, clock: Clock) -> Iterator[KeyTable]:
    """A key table inside the test."""
    app.initialise(tmp_path / "home")
    with opened(tmp_path / "home", clock) as found:
        yield found
