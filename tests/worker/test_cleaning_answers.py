"""The worker believes a child about its own scan only, and only as far as it can check."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipelines.cleaned import Context
from pipelines.profile import profile_named
from pipelines.reader import BytesReader
from pipelines.replacement import Replacement
from worker.cleaning import Cleaner
from worker.errors import Unavailable
from worker.sandbox.forkserver import ChildDied, ForkServer
from worker.scans import CleanedScan, HeldScan, Source, case_terms, scans

TESTS = Path(__file__).resolve().parents[1]
CONTEXT = Context(Replacement("PSEUD", bytes(32), -400), profile_named("aligner"), frozenset(), True)


@pytest.fixture(scope="module")
def cleaner() -> Iterator[Cleaner]:
    with Cleaner(server=ForkServer("obedient_jobs", TESTS)) as cleaner:
        yield cleaner


def sources(*contents: str) -> tuple[Source, ...]:
    return tuple(
        Source(number, f"name {number}", BytesReader(content.encode())) for number, content in enumerate(contents, 1)
    )


def results(cleaner: Cleaner, *contents: str) -> list[CleanedScan | HeldScan]:
    given = sources(*contents)
    return list(cleaner.clean(scans(cleaner.survey(given)), given, CONTEXT))


def held(cleaner: Cleaner, *contents: str) -> list[tuple[str, str, str]]:
    return [
        (result.instance, result.code, result.where)
        for result in results(cleaner, *contents)
        if isinstance(result, HeldScan)
    ]


def test_an_output_is_read_through_the_layers_of_its_instance_as_often_as_asked(cleaner: Cleaner) -> None:
    (scan,) = results(cleaner, "plain\ngeometry")
    assert isinstance(scan, CleanedScan)
    (file,) = scan.files
    assert b"".join(file.chunks()) == b"".join(file.chunks()) == b"clean geometry"
    assert file.size == len(b"clean geometry")
    assert scan.scan.scan_id == file.instance.id == "1.1"


def test_the_files_of_a_series_are_one_scan_named_after_its_first_instance(cleaner: Cleaner) -> None:
    given = sources("plain:a\n1", "plain:b\n2", "plain\n3", "plain:a\n4", "plain\n5")
    found = scans(cleaner.survey(given))
    assert [scan.scan_id for scan in found] == ["1.1", "2.1", "3.1", "5.1"]
    assert [len(scan.instances) for scan in found] == [2, 1, 1, 1]
    cleaned = list(cleaner.clean(found, given, CONTEXT))
    assert isinstance(cleaned[0], CleanedScan)
    assert [b"".join(file.chunks()) for file in cleaned[0].files] == [b"clean 1", b"clean 4"]
    assert cleaned[0].files[0].findings == cleaned[0].files[1].findings


def test_the_terms_of_a_case_are_the_orders_and_every_headers(cleaner: Cleaner) -> None:
    found = cleaner.survey(sources("plain\n1", "plain\n2"))
    order = cleaner.survey(sources("a\n", "b\n", "c\n"))[2].terms
    assert {term.text for term in case_terms(order, found)} == {"name 1", "name 2", "name 3"}


def test_an_instance_with_a_problem_holds_its_scan_and_no_other(cleaner: Cleaner) -> None:
    assert held(cleaner, "plain\n", "unknown\n", "plain\n") == [("2.1", "unknown-format", "")]


@pytest.mark.parametrize("word", ["beyond", "before", "backwards", "outside", "silent", "talkative"])
def test_an_answer_that_is_not_about_its_instance_holds_the_scan(cleaner: Cleaner, word: str) -> None:
    contents = ("plain\nabc", f"{word}\nabc", "plain\nabc")
    assert held(cleaner, *contents) == [("2.1", "pipeline-fault", "protocol")]


def test_a_held_scan_names_the_instance_and_the_place(cleaner: Cleaner) -> None:
    contents = ("plain:a\n", "undecodable:a\n", "plain:a\n", "plain\n", "crash\n")
    assert held(cleaner, *contents) == [
        ("2.1", "stl-truncated", "header"),
        ("5.1", "pipeline-fault", "SIGSEGV"),
    ]


def test_what_another_child_finds_in_an_output_holds_its_scan(cleaner: Cleaner) -> None:
    assert held(cleaner, "plain:a\nfirst", "plain:a\nnamed", "plain\nother") == [("2.1", "identity-found", "body")]


def test_an_output_that_nobody_called_clean_is_not_forwarded(cleaner: Cleaner) -> None:
    assert held(cleaner, "plain\nmute") == [("1.1", "pipeline-fault", "protocol")]


def test_a_source_that_crashes_its_survey_is_a_problem_and_hides_no_other(cleaner: Cleaner) -> None:
    contents = ["plain\n"] * 100
    contents[70] = contents[71] = "crash-survey\n"
    found = cleaner.survey(sources(*contents))
    assert [one.item for one in found] == list(range(1, 101))
    problems = [(one.item, one.instances[0].problem) for one in found if one.instances[0].problem]
    assert problems == [(71, "pipeline-fault"), (72, "pipeline-fault")]
    assert [scan.scan_id for scan in scans(found)][69:73] == ["70.1", "71", "72", "73.1"]


def kill_children(server: int, over: threading.Event) -> None:
    """Kill every child of `server` until told to end, as a system short of memory does."""
    while not over.wait(0.01):
        for child in psutil.Process(server).children():
            with suppress(psutil.NoSuchProcess):
                child.kill()


def test_a_child_killed_from_outside_holds_nothing() -> None:
    server = ForkServer("obedient_jobs", TESTS)
    with Cleaner(server=server) as cleaner:
        given = sources("slow\n")
        found = scans(cleaner.survey(given))
        over = threading.Event()
        killer = threading.Thread(target=kill_children, args=(server.start(), over))
        killer.start()
        try:
            with pytest.raises(ChildDied):
                list(cleaner.clean(found, given, CONTEXT))
        finally:
            over.set()
            killer.join()
        assert [type(result) for result in results(cleaner, "plain\n")] == [CleanedScan]


class Away:
    """An upload whose store has gone away."""

    size = 100

    def read(self, offset: int, length: int) -> bytes:
        raise Unavailable("store-down", "the store is away")


def test_a_source_that_is_away_holds_nothing(cleaner: Cleaner) -> None:
    with pytest.raises(Unavailable):
        cleaner.survey([Source(1, "", Away())])
    given = sources("plain\n")
    found = scans(cleaner.survey(given))
    with pytest.raises(Unavailable):
        list(cleaner.clean(found, [Source(1, "", Away())], CONTEXT))


def test_no_cases_are_no_work(cleaner: Cleaner) -> None:
    assert cleaner.survey([]) == ()
    assert list(cleaner.clean([], [], CONTEXT)) == []
