"""Bech32 (BIP 173) as age uses it: a prefix, a checksum, and no limit on the length."""

from __future__ import annotations

from collections.abc import Iterable

from worker.sealing.errors import BadKey

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def encode(prefix: str, data: bytes) -> str:
    """Return `data` behind the lower-case `prefix`, in lower case, with its checksum."""
    symbols = _regroup(data, 8, 5, pad=True)
    check = _polymod([*_expanded(prefix), *symbols, *bytes(_CHECKSUM)]) ^ 1
    symbols += [check >> 5 * (_CHECKSUM - 1 - place) & 31 for place in range(_CHECKSUM)]
    return f"{prefix}1{''.join(_ALPHABET[symbol] for symbol in symbols)}"


def decode(text: str) -> tuple[str, bytes]:
    """Return the lower-case prefix and the bytes of `text`, whose checksum holds."""
    if text not in (text.lower(), text.upper()):
        raise BadKey("key-case")
    prefix, separator, letters = text.lower().rpartition("1")
    if not separator or not prefix or len(letters) < _CHECKSUM or not prefix.isascii():
        raise BadKey("key-format")
    try:
        symbols = [_VALUES[letter] for letter in letters]
    except KeyError:
        raise BadKey("key-format") from None
    if _polymod([*_expanded(prefix), *symbols]) != 1:
        raise BadKey("key-checksum")
    return prefix, bytes(_regroup(symbols[:-_CHECKSUM], 5, 8, pad=False))


def _expanded(prefix: str) -> list[int]:
    codes = prefix.encode()
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _polymod(symbols: Iterable[int]) -> int:
    check = 1
    for symbol in symbols:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ symbol
        for place, term in enumerate(_GENERATOR):
            if top >> place & 1:
                check ^= term
    return check


def _regroup(values: Iterable[int], width: int, wanted: int, *, pad: bool) -> list[int]:
    """Return the bits of `values` in groups of `wanted`; left-over bits are padding, and zero."""
    out: list[int] = []
    pending = bits = 0
    for value in values:
        pending = (pending << width | value) & 0xFFF
        bits += width
        while bits >= wanted:
            bits -= wanted
            out.append(pending >> bits & (1 << wanted) - 1)
    left = pending & (1 << bits) - 1
    if pad and bits:
        out.append(left << wanted - bits)
    elif not pad and (bits >= width or left):
        raise BadKey("key-format")
    return out
