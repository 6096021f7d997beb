"""The queue may lose, double or reorder its messages: every transfer is released once all the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import dramatiq
import pytest
from installations import (
    GIVEN,
    PATIENT,
    PHONE,
    SURNAME,
    Clinic,
    installed,
    opens_for_its_lab,
    released_once,
    scans,
    work_until_idle,
    worker_of,
)
from message_brokers import Waiting, on_rabbitmq, on_redis, unused_port

from worker.actors import declare, performer
from worker.model import State, TransferId
from worker.queue import announce, broker_for
from worker.services import Services
from worker.settings import Queue

BROKERS: dict[str, Callable[[], AbstractContextManager[Waiting]]] = {"redis": on_redis, "rabbitmq": on_rabbitmq}


@dataclass(frozen=True, slots=True)
class Scene:
    """An installation whose transfers wait on a broker, and a worker's services."""

    clinic: Clinic
    services: Services
    waiting: Waiting

    @property
    def queue(self) -> Queue:
        """Where the settings say that transfers wait."""
        return self.services.records.settings.queue

    def submitted(self, count: int = 1) -> tuple[TransferId, ...]:
        """Return the transfers of new cases of which no worker was told."""
        return tuple(self.clinic.submit(uploads=scans(1)).transfers[0] for _ in range(count))


@pytest.fixture(scope="module", params=list(BROKERS))
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("queue")
    with (
        BROKERS[request.param]() as waiting,
        installed(folder, queue=f'url = "{waiting.url}"\nnamespace = "{waiting.namespace}"') as clinic,
        worker_of(clinic) as services,
    ):
        yield Scene(clinic, services, waiting)


def test_a_message_is_one_transfers_id_and_nothing_else(scene: Scene) -> None:
    transfers = scene.submitted(2)
    announce(scene.queue, transfers)
    bodies = scene.waiting.messages()
    contents = [json.loads(body) for body in bodies]
    assert sorted(content["args"] for content in contents) == sorted([name] for name in transfers)
    found = {name: scene.clinic.transfer(name) for name in transfers}
    for content in contents:
        assert set(content) == {
            "queue_name",
            "actor_name",
            "args",
            "kwargs",
            "options",
            "message_id",
            "message_timestamp",
        }
        assert content["kwargs"] == {}
        assert set(content["options"]) <= {"redis_message_id"}
    held = scene.waiting.remains()
    for one in found.values():
        assert one.id.encode() in held
        assert one.case.encode() not in held
    for word in (SURNAME, GIVEN, PATIENT, PHONE, "lab-a", "Nirgendsheim"):
        assert word.encode() not in held
    work_until_idle(scene.services)


def test_a_message_alone_brings_its_transfer_to_the_lab(scene: Scene, tmp_path: Path) -> None:
    (transfer,) = scene.submitted()
    announce(scene.queue, (transfer,))
    broker = broker_for(scene.queue)
    declare(broker, f"transfers.{scene.queue.namespace}", performer(scene.services))
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    try:
        deadline = time.monotonic() + 30
        while scene.clinic.transfer(transfer).state is not State.PUBLISHED and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        worker.stop()
        broker.close()
    released_once(scene.clinic, transfer)
    opens_for_its_lab(scene.clinic, [transfer], tmp_path)


def test_doubled_messages_release_once(scene: Scene) -> None:
    (transfer,) = scene.submitted()
    for _ in range(4):
        announce(scene.queue, (transfer,))
    work_until_idle(scene.services)
    released_once(scene.clinic, transfer)
    assert scene.clinic.transfer(transfer).attempt == 1


def test_messages_that_were_never_sent_or_lost_are_made_good(scene: Scene) -> None:
    untold, lost = scene.submitted(2)
    announce(scene.queue, (lost,))
    scene.waiting.purge()
    assert scene.waiting.messages() == []
    work_until_idle(scene.services)
    for transfer in (untold, lost):
        released_once(scene.clinic, transfer)


def test_reordered_and_mixed_messages_release_each_once(scene: Scene) -> None:
    first, second, third = scene.submitted(3)
    announce(scene.queue, (third, first, third, second, first))
    work_until_idle(scene.services)
    for transfer in (first, second, third):
        released_once(scene.clinic, transfer)
        assert scene.clinic.transfer(transfer).attempt == 1


def test_stale_and_foreign_messages_change_nothing(scene: Scene) -> None:
    (transfer,) = scene.submitted()
    work_until_idle(scene.services)
    before = (scene.clinic.transfers(), scene.clinic.entries(), scene.clinic.verdict())
    announce(scene.queue, (transfer, TransferId("transfer-of-nobody"), TransferId(""), TransferId("../../x\0")))
    (open_one,) = scene.submitted()
    work_until_idle(scene.services)
    released_once(scene.clinic, transfer)
    released_once(scene.clinic, open_one)
    after = scene.clinic.transfers()
    assert [one for one in after if one.id != open_one] == before[0]
    assert scene.clinic.entries()[: len(before[1])] == before[1]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_does_not_hinder_a_submission(scheme: str) -> None:
    queue = Queue(url=f"{scheme}://127.0.0.1:{unused_port()}", namespace="nowhere")
    announce(queue, (TransferId("transfer-1"),))


@pytest.mark.parametrize("namespace", ["9lives", "a", "x-1"])
def test_every_namespace_that_settings_allow_names_a_queue(namespace: str) -> None:
    queue = Queue(url=f"redis://127.0.0.1:{unused_port()}", namespace=namespace)
    announce(queue, (TransferId("transfer-1"),))


def test_a_process_that_submits_embedded_tells_nobody() -> None:
    announce(Queue(), (TransferId("transfer-1"),))
