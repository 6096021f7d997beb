"""Every code that can be met is explained, with the exit status it ends a command with."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator

import pytest
from documents import page, rows, sections
from environment import ROOT

from worker import errors
from worker.errors import WorkerError
from worker.ledger.verification import FaultCode

_SECTIONS = {
    "worker": "Commands, packages and the ledger",
    "pipelines": "Scans that are held",
    "keys": "The key service",
}
_RAISED = {
    "worker": frozenset({"Unusable", "Held", "Hold", "Refused", "Unverified", "Unavailable", "Misconfigured"})
    | {"WorkerError", "InvalidEntry", "EventDiffers", "PackageRefused", "PackageFailed", "BadManifest", "BadLayout"}
    | {"BadKey", "NoMatch", "HeaderFailure", "HmacFailure", "PayloadFailure", "ArmorFailure"}
    | {"BadSignature", "BadSigningKey", "BadEnvelope", "damaged", "_malformed", "Fault", "fault", "Undecodable"},
    "pipelines": frozenset({"PipelineError", "Undecodable", "NeedsPerson"}),
    "keys": frozenset({"KeysError", "KeysRefused", "KeysUnavailable", "KeysMisconfigured"}),
}
_OF_PACKAGES = frozenset({"PackageRefused", "BadLayout", "HeaderFailure", "HmacFailure", "PayloadFailure", "NoMatch"})
_ENDS = {
    name: str(int(kind.exit_status))
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, WorkerError)
}


def _table(package: str) -> list[dict[str, str]]:
    with (ROOT / package / "reasons.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _codes(package: str) -> set[str]:
    return {row["code"] for row in _table(package)}


def _documented(package: str) -> list[tuple[str, ...]]:
    text = sections(page("docs/errors.md"), 2)[_SECTIONS[package]]
    return [(row[0].strip("`"), *row[1:]) for row in rows(text)]


def _raised(package: str) -> Iterator[tuple[str, str]]:
    """Yield the class and the code wherever one is called with a code."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            first = node.args[0]
            if node.func.id in _RAISED[package] and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.func.id, first.value


@pytest.mark.parametrize("package", _SECTIONS)
def test_the_page_repeats_the_tables_row_for_row(package: str) -> None:
    written = [(row["code"], row["what"], row["hint"]) for row in _table(package)]
    assert [(row[0], *row[-2:]) for row in _documented(package)] == written


@pytest.mark.parametrize("package", _SECTIONS)
def test_a_table_is_sorted_and_names_a_code_once(package: str) -> None:
    codes = [row["code"] for row in _table(package)]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("package", _SECTIONS)
def test_a_row_is_two_plain_phrases(package: str) -> None:
    for row in _table(package):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row["code"])
        for phrase in (row["what"], row["hint"]):
            assert phrase, row["code"]
            assert not phrase.endswith("."), row["code"]


@pytest.mark.parametrize("package", _SECTIONS)
def test_every_code_that_is_raised_has_a_row(package: str) -> None:
    known = _codes("worker") | _codes("pipelines") if package == "worker" else _codes(package)
    raised = {code for _, code in _raised(package)}
    assert raised
    assert raised <= known


@pytest.mark.parametrize("package", _SECTIONS)
def test_every_row_is_of_a_code_that_the_program_knows(package: str) -> None:
    sources = (path.read_text(encoding="utf-8") for name in (package, "worker") for path in (ROOT / name).rglob("*.py"))
    text = "\n".join(sources)
    assert {code for code in _codes(package) if f'"{code}"' not in text} == set()


def test_worker_and_pipelines_have_no_code_in_common() -> None:
    assert not _codes("worker") & _codes("pipelines")


def test_every_fault_that_verification_finds_has_a_row() -> None:
    ends = {row[0]: row[1] for row in _documented("worker")}
    assert {ends[str(code)] for code in FaultCode} == {"5"}


def test_the_exit_status_of_a_code_is_that_of_the_error_that_carries_it() -> None:
    documented = {row[0]: set(row[1].split(", ")) for row in _documented("worker")}
    for name, code in _raised("worker"):
        ends = "5" if name in _OF_PACKAGES else _ENDS.get(name)
        if ends is not None and code in documented:
            assert ends in documented[code], code


def test_the_http_status_of_a_code_is_that_of_the_table() -> None:
    assert {row[0]: row[1] for row in _documented("keys")} == {row["code"]: row["status"] for row in _table("keys")}
