"""What the documents say, as sets and tables that a test can compare with the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from environment import ROOT

_CODE = re.compile(r"`([^`]+)`")


def page(name: str) -> str:
    """Return the text of a document, named by its path from the root of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def pages() -> list[Path]:
    """Return every document of the repository."""
    folders = ("docs", "samples", "pipelines", "keys", "worker", "tests")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.md") if "node_modules" not in path.parts]
    return sorted([*ROOT.glob("*.md"), *found])


def sections(text: str, level: int) -> dict[str, str]:
    """Return the sections of a document under headings of one level, by heading, subsections included."""
    found: dict[str, str] = {}
    heading, fenced = "", False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        marks, _, title = line.partition(" ")
        if not fenced and marks and set(marks) == {"#"} and len(marks) <= level:
            heading = title if len(marks) == level else ""
        if heading:
            found[heading] = found.get(heading, "") + line + "\n"
    return found


def rows(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of every table, headings left out."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_heading = number + 1 < len(lines) and lines[number + 1].startswith("|---")
        if line.startswith("|") and not line.startswith("|---") and not is_heading:
            yield tuple(cell.strip() for cell in line.strip().strip("|").split(" | "))


def named(text: str) -> set[str]:
    """Return the code words in the first cells of every table."""
    return {word for row in rows(text) for word in _CODE.findall(row[0])}


def spoken(text: str) -> set[str]:
    """Return every code word of a text, outside fenced blocks."""
    return set(_CODE.findall("".join(fenced_or_not(text, fenced=False))))


def blocks(text: str) -> list[str]:
    """Return the fenced blocks of a text."""
    return "".join(fenced_or_not(text, fenced=True)).split("\0")[:-1]


def fenced_or_not(text: str, *, fenced: bool) -> Iterator[str]:
    """Yield the lines inside fences, each block ended by a zero, or those outside."""
    inside = False
    for line in text.splitlines(keepends=True):
        if line.startswith("```"):
            if inside and fenced:
                yield "\0"
            inside = not inside
        elif inside is fenced:
            yield line
