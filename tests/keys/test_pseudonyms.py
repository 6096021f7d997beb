"""Pseudonyms are typed by people: what a mistyped one does is proved, not sampled.

The code is linear, so whether an error is noticed does not depend on the pseudonym it happens to: it
is enough to try every error once, on a single valid pseudonym, at every place and of every size.
"""

from __future__ import annotations

import secrets
from itertools import combinations, product

import pytest

from keys.pseudonyms import ALPHABET, is_valid, new

LENGTH = 15


def plain(pseudonym: str) -> str:
    return pseudonym.replace("-", "")


def shifted(text: str, place: int, size: int) -> str:
    wrong = ALPHABET[ALPHABET.index(text[place]) ^ size]
    return text[:place] + wrong + text[place + 1 :]


def test_a_new_pseudonym_is_valid_and_in_three_groups_of_five() -> None:
    made = new(secrets.token_bytes)
    assert is_valid(made)
    assert [len(group) for group in made.split("-")] == [5, 5, 5]
    assert set(plain(made)) <= set(ALPHABET)


def test_the_alphabet_has_no_look_alikes_and_the_random_part_at_least_sixty_bits() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)
    assert 32**13 >= 2**60


def test_every_source_symbol_reaches_the_pseudonym() -> None:
    zero = plain(new(bytes))
    for place in range(13):
        draw = bytes(1 if i == place else 0 for i in range(13))
        other = plain(new(lambda _size, draw=draw: draw))  # type: ignore[misc]
        assert [i for i in range(13) if other[i] != zero[i]] == [place]


def test_pseudonyms_do_not_repeat() -> None:
    assert len({new(secrets.token_bytes) for _ in range(2000)}) == 2000


def test_every_single_wrong_symbol_is_noticed() -> None:
    text = plain(new(secrets.token_bytes))
    errors = [shifted(text, place, size) for place in range(LENGTH) for size in range(1, 32)]
    assert len(set(errors)) == LENGTH * 31
    assert not any(map(is_valid, errors))


def test_every_pair_of_wrong_symbols_is_noticed() -> None:
    text = plain(new(secrets.token_bytes))
    for first, second in combinations(range(LENGTH), 2):
        for one, other in product(range(1, 32), repeat=2):
            assert not is_valid(shifted(shifted(text, first, one), second, other))


def test_every_swap_of_two_different_symbols_is_noticed() -> None:
    for _ in range(50):
        text = plain(new(secrets.token_bytes))
        for a, b in combinations(range(LENGTH), 2):
            symbols = list(text)
            symbols[a], symbols[b] = symbols[b], symbols[a]
            assert is_valid("".join(symbols)) == (text[a] == text[b])


def test_a_sum_of_two_valid_pseudonyms_is_valid() -> None:
    one, other = plain(new(secrets.token_bytes)), plain(new(secrets.token_bytes))
    both = zip(one, other, strict=True)
    assert is_valid("".join(ALPHABET[ALPHABET.index(a) ^ ALPHABET.index(b)] for a, b in both))


def test_spellings_people_use_are_valid() -> None:
    made = new(lambda size: bytes(range(size)))
    assert made.startswith("01234-")
    for spelling in (made.lower(), plain(made), made.replace("-", " "), "  ".join(made), f" {made} "):
        assert is_valid(spelling)
    assert is_valid(made.replace("0", "O").replace("1", "l"))


@pytest.mark.parametrize("text", ["", "0", "00000-00000-0000", "00000-00000-000000", "00000-00000-0000U", "ßßßßß"])
def test_what_is_no_pseudonym_is_not_valid(text: str) -> None:
    assert not is_valid(text)
