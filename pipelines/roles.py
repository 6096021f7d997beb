"""What a scan shows, as a word from a closed list, and the neutral file name that follows from it.

A lab finds the upper jaw by its file name, and a clinic writes the patient's name into the same file
name. So the words of a name are only looked up in `role-words.csv`; none of them is ever passed on.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

_LONGEST = 400


class Role(StrEnum):
    """What a lab needs to know a scan by."""

    UPPER = "upper"
    LOWER = "lower"
    BITE = "bite"
    UPPER_PRE_PREP = "upper-pre-prep"
    LOWER_PRE_PREP = "lower-pre-prep"
    PRE_PREP = "pre-prep"
    UPPER_SCAN_BODY = "upper-scan-body"
    LOWER_SCAN_BODY = "lower-scan-body"
    SCAN_BODY = "scan-body"
    PANORAMIC = "panoramic"
    CEPHALOMETRIC = "cephalometric"
    BITEWING = "bitewing"
    INTRAORAL_XRAY = "intraoral-xray"
    CBCT = "cbct"
    PHOTO = "photo"
    SCAN = "scan"


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A cleaned file that needs a name: `series` groups the slices of one volume, `order` sorts them."""

    role: Role
    suffix: str
    series: str | None = None
    order: int = 0


class _Scope(StrEnum):
    """Which words count: of a mesh's name, of what varies its arch, of a picture's name, of a header."""

    MESH = "mesh"
    VARIANT = "variant"
    PICTURE = "picture"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class _Word:
    scope: _Scope
    rank: int
    match: str
    word: str
    role: Role


def role_of_mesh(name: str) -> Role:
    """Return the role that the words of a mesh's path speak of, the file's own name before its folders."""
    arch, variant = _first(name, _Scope.MESH), _first(name, _Scope.VARIANT)
    if variant is None:
        return arch or Role.SCAN
    return Role(f"{arch}-{variant}") if arch in (Role.UPPER, Role.LOWER) else variant


def role_of_picture(name: str) -> Role:
    """Return the role that the words of an image's path speak of; a picture without one is a photo."""
    return _first(name, _Scope.PICTURE) or Role.PHOTO


def role_of_header(sop_class: str, modality: str, texts: Iterable[str]) -> Role:
    """Return the role of a DICOM instance: by what made it (PS3.3 C.7.3.1.1.1), else by `texts`."""
    spoken = _spoken(" ".join(texts), _Scope.PICTURE) or _spoken(" ".join(texts), _Scope.HEADER)
    by_class = next((role for root, role in _BY_CLASS if f"{sop_class}.".startswith(f"{root}.")), None)
    role = by_class or _BY_MODALITY.get(modality.strip())
    if role is Role.INTRAORAL_XRAY and spoken is Role.BITEWING:
        return spoken
    return role or spoken or Role.SCAN


def _first(name: str, scope: _Scope) -> Role | None:
    for text in _decodings(name):
        for depth, part in enumerate(reversed(re.split(r"[/\\]", text))):
            role = _spoken(part, scope, own=depth == 0)
            if role is not None:
                return role
    return None


_BY_CLASS = (
    ("1.2.840.10008.5.1.4.1.1.1.3", Role.INTRAORAL_XRAY),
    ("1.2.840.10008.5.1.4.1.1.2", Role.CBCT),
    ("1.2.840.10008.5.1.4.1.1.13.1", Role.CBCT),
    ("1.2.840.10008.5.1.4.1.1.77.1.4", Role.PHOTO),
)
_BY_MODALITY = {
    "PX": Role.PANORAMIC,
    "IO": Role.INTRAORAL_XRAY,
    "CT": Role.CBCT,
    "XC": Role.PHOTO,
}


def neutral_names(items: Sequence[Unnamed]) -> tuple[str, ...]:
    """Return a unique name for each item, in the same order.

    `upper.stl`, a second one `upper-2.stl`; several files of one series share a folder: `cbct/0001.dcm`.
    """
    sizes = Counter(item.series for item in items if item.series is not None)
    taken: Counter[str] = Counter()
    folders: dict[str, str] = {}
    ranks = _ranks(items)
    found: list[str] = []
    for item, rank in zip(items, ranks, strict=True):
        if item.series is None or sizes[item.series] == 1:
            found.append(_numbered(item.role, item.suffix, taken))
            continue
        if item.series not in folders:
            folders[item.series] = _numbered(item.role, "/", taken)
        found.append(f"{folders[item.series]}{rank:04}{item.suffix}")
    return tuple(found)


def _ranks(items: Sequence[Unnamed]) -> tuple[int, ...]:
    """Return each item's place within its series, from 1."""
    seen: Counter[str | None] = Counter()
    ranks = [0] * len(items)
    for index in sorted(range(len(items)), key=lambda index: (items[index].order, index)):
        seen[items[index].series] += 1
        ranks[index] = seen[items[index].series]
    return tuple(ranks)


def _numbered(role: Role, suffix: str, taken: Counter[str]) -> str:
    taken[role + suffix] += 1
    number = taken[role + suffix]
    return f"{role}{suffix}" if number == 1 else f"{role}-{number}{suffix}"


def _spoken(text: str, scope: _Scope, own: bool = True) -> Role | None:
    """Return the role of the words of the best rank in `text`, None where they disagree.

    A wrong arch is worse than none: a single letter counts only at the end of a file's `own` name.
    """
    tokens = _tokens(text)
    words = (word for word in _words() if word.scope is scope and (own or word.match != "last"))
    heard = [word for word in words if _is_heard(word, tokens)]
    best = min((word.rank for word in heard), default=0)
    roles = {word.role for word in heard if word.rank == best}
    return roles.pop() if len(roles) == 1 else None


def _is_heard(word: _Word, tokens: tuple[str, ...]) -> bool:
    if word.match == "anywhere":
        return word.word in "".join(tokens)
    return word.word in (tokens[-1:] if word.match == "last" else tokens)


def _tokens(text: str) -> tuple[str, ...]:
    """Return the words of `text` without its suffix: runs of letters, `UpperJaw` being two of them."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", text[-_LONGEST:])
    pairs = zip(" " + stem, stem, strict=False)
    parted = "".join(f" {c}" if c.isupper() and before.islower() else c for before, c in pairs)
    return tuple(re.findall(r"[^\W\d_]+", _folded(parted)))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def _decodings(name: str) -> Iterator[str]:
    """Yield `name`, and what else it may say: zips without a charset hold the clinic's code page."""
    yield name
    if name.isascii():
        return
    for codec in ("gb18030", "cp866", "shift_jis", "euc_kr"):
        try:
            yield name.encode("cp437").decode(codec)
        except UnicodeError:
            continue


@cache
def _words() -> tuple[_Word, ...]:
    with files("pipelines").joinpath("role-words.csv").open(encoding="utf-8") as rows:
        return tuple(
            _Word(_Scope(row["scope"]), int(row["rank"]), row["match"], _folded(row["word"]), Role(row["role"]))
            for row in csv.DictReader(rows)
        )
