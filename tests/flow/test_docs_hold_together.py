"""Links lead somewhere, lines are short, decisions have their four parts, no machine shines through."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documents import fenced_or_not, page, pages, sections
from environment import ROOT

_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_MACHINE = re.compile(r"(?<![\w.~-])/(?:work|home|root|Users|mnt|opt|tmp/\w)\b")
_DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
_PAGES = [path.relative_to(ROOT).as_posix() for path in pages()]
_OURS = [name for name in _PAGES if "/" not in name or name.startswith("docs/")]


@pytest.mark.parametrize("name", _PAGES)
def test_relative_links_lead_to_files(name: str) -> None:
    text = "".join(fenced_or_not(page(name), fenced=False))
    targets = [target for target, _ in _LINK.findall(text) if target]
    assert [target for target in targets if not ((ROOT / name).parent / target).exists()] == []


@pytest.mark.parametrize("name", _PAGES)
def test_no_page_holds_a_path_of_a_machine(name: str) -> None:
    assert _MACHINE.search(page(name)) is None


@pytest.mark.parametrize("name", _OURS)
def test_lines_of_prose_are_short(name: str) -> None:
    long = [line for line in page(name).splitlines() if len(line) > 120 and not line.startswith("|")]
    assert long == []


def test_the_readme_leads_to_every_page() -> None:
    linked = {target for target, _ in _LINK.findall(page("README.md"))}
    wanted = {name for name in _OURS if name != "README.md" and not name.startswith("docs/decisions/")}
    assert wanted <= linked
    assert "docs/decisions" in linked


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in _DECISIONS] == list(range(1, len(_DECISIONS) + 1))


@pytest.mark.parametrize("path", _DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_context_decision_consequences_alternatives(path: Path) -> None:
    text = page(f"docs/decisions/{path.name}")
    assert list(sections(text, 2)) == ["Context", "Decision", "Consequences", "Alternatives"]
