"""Whatever is asked at once, and whenever the service dies: one subject, one pseudonym, nothing lost."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

from key_service import JANE, JOHN, Installation, case

from keys.client import Assignment, KeyClient, KeysUnavailable, start_service
from keys.places import Places


def count(installed: Installation, table: str) -> int:
    connection = sqlite3.connect(Places.below(installed.home).database)
    try:
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    finally:
        connection.close()
    return int(found)


def test_everyone_who_asks_first_gets_the_same_answer(installed: Installation) -> None:
    client = installed.started()
    client.enrol(case("one", JANE, "lab-a", "lab-b"))
    with ThreadPoolExecutor(16) as pool:
        names = [f"one.lab-{'ab'[n % 2]}" for n in range(32)]
        answers = list(pool.map(client.assignment, names))
        commitments = list(pool.map(client.facts, names))
    assert len({a.pseudonym for a in answers}) == 2
    assert len(set(commitments)) == 2
    assert (count(installed, "forward"), count(installed, "reverse")) == (2, 2)


def test_one_patient_enrolled_by_many_at_once_is_one_subject(installed: Installation) -> None:
    client = installed.started()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(client.enrol, [case(f"c{n // 2}", JANE, "lab") for n in range(48)]))
    assert (count(installed, "subject"), count(installed, "subject_index")) == (1, 1)
    assert len(list(Places.below(installed.home).data_keys.iterdir())) == 1
    assert len({client.assignment(f"c{n}.lab").pseudonym for n in range(24)}) == 1


def again(client: KeyClient, number: int, seen: dict[int, Assignment], ended: threading.Event) -> None:
    """Enrol and ask until it worked: what a worker does whose key service comes and goes."""
    subject = JANE if number % 3 else JOHN
    enrolment = case(f"c{number}", subject, "lab")
    while not ended.is_set():
        try:
            client.enrol(enrolment)
            client.facts(f"c{number}.lab")
            seen[number] = client.assignment(f"c{number}.lab")
            return
        except KeysUnavailable:
            time.sleep(0.02)


def test_killed_at_any_moment_it_comes_back_with_the_same_answers(installed: Installation) -> None:
    client = installed.started()
    seen: dict[int, Assignment] = {}
    ended = threading.Event()
    chance = Random(2)  # noqa: S311 - when to kill is no secret
    with ThreadPoolExecutor(4) as pool:
        for wave in range(4):
            waiting = [pool.submit(again, client, wave * 20 + n, seen, ended) for n in range(20)]
            time.sleep(chance.uniform(0.0, 0.12))
            installed.killed()
            start_service(installed.home)
            for one in waiting:
                one.result(60)
        ended.set()
    assert len(seen) == 80
    assert len({seen[n] for n in seen if n % 3}) == len({seen[n] for n in seen if not n % 3}) == 1
    assert all(client.assignment(f"c{n}.lab") == seen[n] for n in range(0, 80, 7))
    assert (count(installed, "subject"), count(installed, "forward")) == (2, 2)
    assert count(installed, "transfer") == 80
    assert not list(Places.below(installed.home).folder.rglob(".partial-*"))
