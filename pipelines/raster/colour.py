"""Rewrite an ICC profile (ICC.1:2022) so that the numbers stay and the texts go.

Without its profile a photograph of teeth has other colours; with it goes whoever wrote the description.
Only profiles made of primaries and tone curves are rewritten: tables of a printer say nothing here.
"""

from __future__ import annotations

import struct

LIMIT = 60_000
"""The longest profile that is looked at."""

_HEADER = 128
_CURVES = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_POINTS = {b"RGB ": (b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"), b"GRAY": (b"wtpt",)}
_PARAMETERS = (1, 3, 4, 5, 7)
_D50 = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
_TAGS = 100


def rewritten(profile: bytes) -> bytes | None:
    """Return a profile of the same colours that holds no text, None where that cannot be had."""
    space = profile[16:20]
    if not _HEADER + 4 <= len(profile) <= LIMIT or profile[36:40] != b"acsp" or profile[20:24] != b"XYZ ":
        return None
    if profile[12:16] not in (b"mntr", b"scnr", b"spac") or space not in _CURVES:
        return None
    wanted = {name: _point(_tag(profile, name)) for name in _POINTS[space]}
    wanted |= {name: _curve(_tag(profile, name)) for name in _CURVES[space]}
    found = {name: data for name, data in wanted.items() if data is not None}
    if len(found) < len(wanted):
        return None
    adaptation = _tag(profile, b"chad")
    if adaptation[:4] == b"sf32" and len(adaptation) >= 44:
        found[b"chad"] = b"sf32\0\0\0\0" + adaptation[8:44]
    result = _assembled(profile, found | _texts(profile[8]))
    return result if len(result) <= LIMIT else None


def _tag(profile: bytes, name: bytes) -> bytes:
    """Return the data of a tag, empty where the profile has none or it lies outside."""
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    for at in range(_HEADER + 4, min(_HEADER + 4 + 12 * min(count, _TAGS), len(profile) - 11), 12):
        if profile[at : at + 4] == name:
            start, size = struct.unpack_from(">II", profile, at + 4)
            return profile[start : start + size]
    return b""


def _point(data: bytes) -> bytes | None:
    return b"XYZ \0\0\0\0" + data[8:20] if data[:4] == b"XYZ " and len(data) >= 20 else None


def _curve(data: bytes) -> bytes | None:
    """Return a tone curve: a formula's numbers, or a table that never falls, as letters would."""
    if len(data) < 12:
        return None
    if data[:4] == b"para":
        kind = int.from_bytes(data[8:10], "big")
        size = 12 + 4 * _PARAMETERS[kind] if kind < len(_PARAMETERS) else len(data) + 1
        return b"para\0\0\0\0" + data[8:10] + b"\0\0" + data[12:size] if size <= len(data) else None
    size = 12 + 2 * int.from_bytes(data[8:12], "big")
    if data[:4] != b"curv" or size > len(data):
        return None
    table = struct.unpack_from(f">{(size - 12) // 2}H", data, 12)
    return b"curv\0\0\0\0" + data[8:size] if list(table) == sorted(table) else None


def _texts(version: int) -> dict[bytes, bytes]:
    """Return the two texts that every profile must have (8.2), saying nothing."""
    if version >= 4:
        text = b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", 6, 28) + "ICC".encode("utf-16-be")
        return {b"desc": text, b"cprt": text}
    described = b"desc\0\0\0\0" + struct.pack(">I", 4) + b"ICC\0" + bytes(78)
    return {b"desc": described, b"cprt": b"text\0\0\0\0ICC\0"}


def _assembled(profile: bytes, tags: dict[bytes, bytes]) -> bytes:
    at = _HEADER + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4s2s2x12s12s4s24sI12s48x",
        at + len(body),
        b"",
        bytes((profile[8], profile[9] & 0xF0)),
        profile[12:24],
        struct.pack(">6H", 2000, 1, 1, 0, 0, 0),
        b"acsp",
        b"",
        int.from_bytes(profile[64:68], "big") & 3,
        _D50,
    )
    return head + table + body
