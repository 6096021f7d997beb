from __future__ import annotations

from dataclasses import replace

import pytest
from key_service import JANE, START, case

from keys.errors import KeysRefused
from keys.matching import blind_index, canonical
from keys.table import KeyTable

KEY = bytes(32)

SPELLINGS = [
    "PN-004711",
    "pn-004711",
    "  PN-004711\t",
    "PN\N{EN DASH}004711",
    "PN\N{NON-BREAKING HYPHEN}004711",
    "PN\N{MINUS SIGN}004711",
    "PN-\N{ZERO WIDTH SPACE}004711",
    "\N{ZERO WIDTH NO-BREAK SPACE}PN-0047\N{SOFT HYPHEN}11",
    "\N{FULLWIDTH LATIN CAPITAL LETTER P}N\N{FULLWIDTH HYPHEN-MINUS}004711",
    "PN-\N{FULLWIDTH DIGIT ZERO}04711",
]
OTHERS = [
    "PN-4711",
    "PN004711",
    "PN 004711",
    "PN-0047110",
    "PN-004711A",
    "NP-004711",
    "PN--004711",
    "PN-00471",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_one_id_meet(spelling: str) -> None:
    assert blind_index(KEY, "Praxis  Nord", spelling) == blind_index(KEY, "praxis nord ", SPELLINGS[0])


def test_different_ids_do_not_meet() -> None:
    assert len({blind_index(KEY, "", patient_id) for patient_id in [*OTHERS, SPELLINGS[0]]}) == len(OTHERS) + 1


def test_issuer_and_id_do_not_run_into_each_other() -> None:
    assert blind_index(KEY, "a", "bc") != blind_index(KEY, "ab", "c")
    assert blind_index(KEY, "", "a b") != blind_index(KEY, "a", "b")


def test_the_same_id_of_another_issuer_is_another_subject() -> None:
    assert blind_index(KEY, "one", "1") != blind_index(KEY, "two", "1")


def test_the_canonical_spelling_is_its_own() -> None:
    for spelling in [*SPELLINGS, "STRASSE", "straße", "İ", "ﬃ", "Ǆ"]:
        assert canonical(canonical(spelling)) == canonical(spelling)


def test_spellings_share_a_pseudonym_at_one_lab(table: KeyTable) -> None:
    for number, spelling in enumerate(SPELLINGS):
        table.enrol(case(f"c{number}", replace(JANE, patient_id=spelling), "lab", since=START))
    assert len({table.assignment(f"c{n}.lab").pseudonym for n in range(len(SPELLINGS))}) == 1


@pytest.mark.parametrize("nothing", ["", "  ", "\N{ZERO WIDTH SPACE}"])
def test_an_id_with_nothing_in_it_is_refused(table: KeyTable, nothing: str) -> None:
    with pytest.raises(KeysRefused, match="patient-id-empty"):
        table.enrol(case("c", replace(JANE, patient_id=nothing), "lab", since=START))
