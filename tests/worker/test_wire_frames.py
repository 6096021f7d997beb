"""Frames arrive whole, in order and within their limits, or not at all."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from worker.sandbox.channel import FRAME_LIMIT, Channel, ChannelClosed, OutOfTime
from worker.sandbox.wire import WireFault


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


Ends = tuple[socket.socket, socket.socket]


def send_all(channel: Channel, frames: list[bytes]) -> None:
    for frame in frames:
        channel.send(b"", frame)


def drain(channel: Channel) -> None:
    while True:
        channel.receive()


def test_frames_of_any_size_arrive_in_order(ends: Ends) -> None:
    frames = [os.urandom(size) for size in (0, 1, 3, 1 << 18, (1 << 18) + 1, 5_000_000)]
    sender = threading.Thread(target=send_all, args=(Channel(ends[0]), frames))
    sender.start()
    assert [Channel(ends[1]).receive() for _ in frames] == frames
    sender.join()


def test_a_frame_that_announces_too_much_is_refused_before_it_is_read(ends: Ends) -> None:
    ends[0].sendall((FRAME_LIMIT + 1).to_bytes(4, "big"))
    with pytest.raises(WireFault):
        Channel(ends[1]).receive()


def test_a_frame_that_is_too_long_is_not_sent(ends: Ends) -> None:
    with pytest.raises(WireFault):
        Channel(ends[0]).send(bytes(FRAME_LIMIT), b"?")


def test_a_frame_that_ends_early_is_the_end_of_the_channel(ends: Ends) -> None:
    ends[0].sendall(b"\x00\x00\x00\x09half")
    ends[0].close()
    with pytest.raises(ChannelClosed):
        Channel(ends[1]).receive()


def test_drops_that_never_make_a_frame_exhaust_the_patience(ends: Ends) -> None:
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.05):
            ends[0].sendall(b"\x00")

    dripping = threading.Thread(target=drip)
    dripping.start()
    channel = Channel(ends[1], 0.5)
    begun = time.monotonic()
    with pytest.raises(OutOfTime):
        drain(channel)
    assert time.monotonic() - begun < 3
    stop.set()
    dripping.join()


def test_a_reader_that_does_not_read_exhausts_the_patience(ends: Ends) -> None:
    with pytest.raises(OutOfTime):
        Channel(ends[0], 0.3).send(bytes(50_000_000))


def test_own_work_between_frames_does_not_count(ends: Ends) -> None:
    channel = Channel(ends[1], 0.3)
    for _ in range(3):
        Channel(ends[0]).send(b"x")
        time.sleep(0.2)
        assert channel.receive() == b"x"
