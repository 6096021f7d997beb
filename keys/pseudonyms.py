"""Pseudonyms: random names that people can type, with check symbols that notice when they mistype.

Thirteen random symbols of an alphabet of 32 (65 bits) and two check symbols make a codeword of a
Reed-Solomon code over GF(32) with minimum distance 3: for the symbols c_0 … c_14, sum(c_i) = 0 and
sum(c_i a^i) = 0, a being a generator of the field. Any one or two wrong symbols leave one of the sums
unequal to zero, and two swapped symbols are two wrong ones.
"""

from __future__ import annotations

from keys.cipher import Random

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters without I, L, O and U; the first three are read as the digits they look like."""

_READ_AS = str.maketrans("ILO", "110", " -")
_RANDOM, _LENGTH, _GROUP = 13, 15, 5
_POLYNOMIAL = 0b100101  # x^5 + x^2 + 1, primitive over GF(2)


def _powers() -> tuple[int, ...]:
    power, found = 1, []
    for _ in range(31):
        found.append(power)
        power = power << 1 ^ (_POLYNOMIAL if power & 16 else 0)
    return tuple(found)


_POWERS = _powers()
_LOGARITHM = {power: exponent for exponent, power in enumerate(_POWERS)}


def new(random: Random) -> str:
    """Return a fresh pseudonym, in groups of five symbols."""
    symbols = [byte % 32 for byte in random(_RANDOM)]
    plain, weighted = _sums(symbols)
    # Two equations for the last two symbols: c13 + c14 = plain, c13 a^13 + c14 a^14 = weighted.
    last = _divided(weighted ^ _times(plain, _RANDOM), _POWERS[_RANDOM] ^ _POWERS[_RANDOM + 1])
    return _written([*symbols, plain ^ last, last])


def is_valid(text: str) -> bool:
    """Say whether `text` is a whole pseudonym, in whatever case and grouping it was typed."""
    symbols = [ALPHABET.find(symbol) for symbol in text.upper().translate(_READ_AS)]
    return len(symbols) == _LENGTH and -1 not in symbols and _sums(symbols) == (0, 0)


def _sums(symbols: list[int]) -> tuple[int, int]:
    plain = weighted = 0
    for exponent, symbol in enumerate(symbols):
        plain ^= symbol
        weighted ^= _times(symbol, exponent)
    return plain, weighted


def _times(symbol: int, exponent: int) -> int:
    return _POWERS[(_LOGARITHM[symbol] + exponent) % 31] if symbol else 0


def _divided(symbol: int, divisor: int) -> int:
    return _times(symbol, -_LOGARITHM[divisor])


def _written(symbols: list[int]) -> str:
    text = "".join(ALPHABET[symbol] for symbol in symbols)
    return "-".join(text[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))
