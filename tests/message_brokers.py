"""Message brokers for tests: queues of the test's own on a real server, read raw and deleted again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import pika  # type: ignore[import-untyped]
import redis
from environment import missing
from pika.adapters.blocking_connection import BlockingChannel  # type: ignore[import-untyped]

_HOST = "127.0.0.1"
_REDIS, _RABBITMQ = 6379, 5672
_AMQP = f"amqp://guest:guest@{_HOST}:{_RABBITMQ}/"


class Waiting(Protocol):
    """What waits on a broker, looked at without a worker.

    `messages` are the bodies that wait, and they wait on; `purge` loses them; `remains` is everything the
    broker holds of ours, whatever it is for.
    """

    @property
    def url(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    def messages(self) -> list[bytes]: ...
    def purge(self) -> None: ...
    def remains(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class OnRedis:
    """Queues under a namespace of a Redis server."""

    namespace: str
    server: redis.Redis

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"redis://{_HOST}:{_REDIS}"

    def messages(self) -> list[bytes]:
        """Return the bodies that wait; they wait on."""
        return list(self._hash(f"{self.namespace}:transfers.{self.namespace}.msgs"))

    def purge(self) -> None:
        """Lose every message."""
        for key in self._keys():
            self.server.delete(key)

    def remains(self) -> bytes:
        """Return everything the broker holds of ours, keys and values of every type."""
        return b"\n".join(piece for key in self._keys() for piece in (key, *self._value(key)))

    def _keys(self) -> list[bytes]:
        return sorted(self.server.scan_iter(f"{self.namespace}*"))

    def _hash(self, key: str) -> Iterator[bytes]:
        yield from self.server.hvals(key)  # type: ignore[misc]  # its sync half

    def _value(self, key: bytes) -> list[bytes]:
        """Return what lies under a key, by a script of the server's that knows every type it is asked for."""
        script = """
            local read = {list = {'LRANGE', KEYS[1], 0, -1}, hash = {'HGETALL', KEYS[1]}, string = {'GET', KEYS[1]},
                          set = {'SMEMBERS', KEYS[1]}, zset = {'ZRANGE', KEYS[1], 0, -1}}
            local found = redis.call(unpack(read[redis.call('TYPE', KEYS[1]).ok]))
            return type(found) == 'table' and found or {found}
        """
        return list(self.server.eval(script, 1, key))


@dataclass(frozen=True, slots=True)
class OnRabbitMq:
    """Queues under names of our own on a RabbitMQ server."""

    namespace: str
    channel: BlockingChannel

    @property
    def url(self) -> str:
        """Where the server answers."""
        return _AMQP

    @property
    def queue(self) -> str:
        """The queue that transfers wait in."""
        return f"transfers.{self.namespace}"

    def messages(self) -> list[bytes]:
        """Return the bodies that wait; they wait on."""
        bodies: list[bytes] = []
        tag = 0
        while True:
            method, _, body = self.channel.basic_get(self.queue)
            if method is None or body is None:
                break
            bodies.append(body)
            tag = method.delivery_tag
        if bodies:
            self.channel.basic_nack(tag, multiple=True, requeue=True)
        return bodies

    def purge(self) -> None:
        """Lose every message."""
        self.channel.queue_purge(self.queue)

    def remains(self) -> bytes:
        """Return the bodies of every queue of ours."""
        return b"\n".join(self.messages())


@contextmanager
def on_redis() -> Iterator[OnRedis]:
    """Give a namespace on the Redis server of this machine."""
    _reach(_REDIS, "a Redis server")
    with redis.Redis(_HOST, _REDIS) as server:
        found = OnRedis(_new_name(), server)
        yield found
        found.purge()


@contextmanager
def on_rabbitmq() -> Iterator[OnRabbitMq]:
    """Give queue names on the RabbitMQ server of this machine."""
    _reach(_RABBITMQ, "a RabbitMQ server")
    with pika.BlockingConnection(pika.URLParameters(_AMQP)) as connection:
        found = OnRabbitMq(_new_name(), connection.channel())
        yield found
        for suffix in ("", ".DQ", ".XQ"):
            connection.channel().queue_delete(found.queue + suffix)


def unused_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _new_name() -> str:
    return f"test-{uuid4().hex[:12]}"


def _reach(port: int, what: str) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((_HOST, port)):
            missing(f"{what} on {_HOST}:{port}")
