"""The queue: which broker carries transfer ids, and the loop of a worker process around it.

Embedded, the sweep is the queue and feeds dramatiq's in-memory broker; with RabbitMQ or Redis it is
the safety net behind messages that may be lost or doubled.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker import sweep
from worker.actors import Actors, declare, performer
from worker.errors import Misconfigured, Unavailable
from worker.logs import LOG
from worker.model import TransferId
from worker.services import Services
from worker.settings import Queue

if TYPE_CHECKING:
    import dramatiq

_PAUSE = 0.2
_LONGEST_PAUSE = 2.0
_CLEAR_EVERY = 30.0
_AGAIN_AFTER = 15.0
"""A transfer that is still due so long after it was enqueued here is enqueued again."""


def broker_for(queue: Queue) -> dramatiq.Broker:
    """Return the broker that the settings name.

    Without middleware: dramatiq's own would retry and put traces into messages, and the database is what
    decides about another attempt.
    """
    scheme = queue.url.partition(":")[0]
    if scheme == "embedded":
        from dramatiq.brokers.stub import StubBroker

        broker: dramatiq.Broker = StubBroker(middleware=[])
    elif scheme.startswith("redis"):
        from dramatiq.brokers.redis import RedisBroker

        broker = RedisBroker(url=queue.url, namespace=queue.namespace, middleware=[])  # type: ignore[no-untyped-call]
    else:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        broker = RabbitmqBroker(url=queue.url, confirm_delivery=True, middleware=[])
    return broker


def _name(queue: Queue) -> str:
    # A namespace may begin with a digit, the name of a queue may not.
    return f"transfers.{queue.namespace}"


def announce(queue: Queue, transfers: tuple[TransferId, ...]) -> None:
    """Tell workers elsewhere of new transfers; embedded there is nobody to tell.

    What cannot be told is found by a worker's sweep, so a queue that is away is no fault here.
    """
    if queue.url == "embedded":
        return
    broker = broker_for(queue)
    actors = declare(broker, _name(queue), lambda _transfer: None)
    try:
        _send(actors, transfers)
    except Unavailable:
        LOG.warning("not-announced", extra={"count": len(transfers)})
    finally:
        broker.close()


@dataclass(frozen=True, slots=True)
class Pace:
    """Whether a worker ends when nothing is left to do, and how it hears that it should end anyway."""

    until_idle: bool
    should_stop: Callable[[], bool]


def serve(services: Services, pace: Pace) -> None:
    """Work until told to stop, or until no transfer wants a worker.

    Waiting for idle outwaits the lease of a worker that died: its transfers come back.
    """
    import dramatiq

    queue = services.records.settings.queue
    broker = broker_for(queue)
    actors = declare(broker, _name(queue), performer(services))
    worker = dramatiq.Worker(broker, queues={_name(queue)}, worker_threads=1)
    try:
        worker.start()
    except Exception:
        raise Misconfigured("queue-unavailable", "the queue cannot be reached", "check queue.url") from None
    try:
        _loop(services, actors, pace)
    finally:
        worker.stop()
        broker.close()


def _loop(services: Services, actors: Actors, pace: Pace) -> None:
    enqueued: dict[TransferId, float] = {}
    cleared, pause = float("-inf"), _PAUSE
    while not pace.should_stop():
        try:
            if time.monotonic() - cleared > _CLEAR_EVERY:
                sweep.clear_away(services)
                cleared = time.monotonic()
            sweep.settle(services)
            sent = _enqueue(services, actors, enqueued)
            if pace.until_idle and sweep.is_idle(services.records):
                sweep.clear_away(services)
                return
        except Unavailable as away:
            LOG.warning("sweep-waits", extra={"code": away.code})
            sent = False
        pause = _PAUSE if sent else min(_LONGEST_PAUSE, pause * 1.5)
        time.sleep(pause)


def _enqueue(services: Services, actors: Actors, enqueued: dict[TransferId, float]) -> bool:
    """Send what is due and was not sent lately; forget what is due no more."""
    due = sweep.due(services.records)
    now = time.monotonic()
    for gone in set(enqueued) - set(due):
        del enqueued[gone]
    fresh = tuple(transfer for transfer in due if now - enqueued.get(transfer, float("-inf")) > _AGAIN_AFTER)
    _send(actors, fresh)
    enqueued.update(dict.fromkeys(fresh, now))
    return bool(due)


def _send(actors: Actors, transfers: tuple[TransferId, ...]) -> None:
    for transfer in transfers:
        try:
            actors.process.send(transfer)
        except Exception:
            # Each broker raises what its own library raises; none of it is ours to keep apart.
            raise Unavailable("queue-unavailable", "the queue cannot be reached", "check queue.url") from None
