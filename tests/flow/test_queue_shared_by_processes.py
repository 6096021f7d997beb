"""Several worker processes share what is to be done: each transfer is released by one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from installations import Clinic, installed, opens_for_its_lab, released_once, scans
from message_brokers import Waiting, on_rabbitmq, on_redis

from worker.queue import announce


@contextlib.contextmanager
def embedded() -> Iterator[None]:
    yield None


BROKERS: dict[str, Callable[[], AbstractContextManager[Waiting | None]]] = {
    "embedded": embedded,
    "redis": on_redis,
    "rabbitmq": on_rabbitmq,
}


@pytest.mark.parametrize("kind", list(BROKERS))
def test_two_processes_release_five_transfers_once_each(tmp_path: Path, kind: str) -> None:
    with BROKERS[kind]() as waiting:
        queue = "" if waiting is None else f'url = "{waiting.url}"\nnamespace = "{waiting.namespace}"'
        with installed(tmp_path, queue=queue) as clinic:
            _share_five(clinic, tmp_path)
        if waiting is not None:
            assert waiting.messages() == []


def _share_five(clinic: Clinic, out: Path) -> None:
    transfers = [clinic.submit(uploads=scans(2)).transfers[0] for _ in range(5)]
    announce(clinic.records().settings.queue, tuple(transfers))
    done = clinic.work("--processes", "2")
    assert (done.returncode, done.stderr) == (0, "")
    for transfer in transfers:
        released_once(clinic, transfer)
        assert clinic.transfer(transfer).attempt == 1
    assert clinic.verdict().faults == ()
    opens_for_its_lab(clinic, transfers, out / "lab")
