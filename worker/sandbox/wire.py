"""Values between a worker and its children as plain JSON, read back by the declared types alone.

A child has parsed a stranger's file, so nothing it says is unpickled: a value is rebuilt from type
hints, field by field, and whatever does not fit is a `WireFault`. A dataclass is the list of its
fields, a member of a union is preceded by its class's name, bytes are base64.
"""

from __future__ import annotations

import json
import types
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, NewType, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

_T = TypeVar("_T")
_PLAIN = (str, int, bool, float)


class WireFault(Exception):
    """The other side broke the protocol; the text names a type, never what was received."""


@dataclass(frozen=True, slots=True)
class _Codec:
    write: Callable[[Any], object]
    read: Callable[[Any], Any]


def encode(kind: type[_T], value: _T) -> bytes:
    """Return `value`, which is a `kind`, as bytes that `decode` accepts for the same `kind`."""
    return json.dumps(_codec(_hint(kind)).write(value), separators=(",", ":"), allow_nan=False).encode()


def decode(kind: type[_T], data: bytes) -> _T:
    """Return the `kind` that `data` spells; raises `WireFault` on anything else."""
    try:
        plain = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise WireFault("json") from None
    value: _T = _codec(_hint(kind)).read(plain)
    return value


def _hint(kind: Any) -> Any:
    return kind


def _no_constant(_name: str) -> NoReturn:
    raise WireFault("number")


@cache
def _codec(hint: Any) -> _Codec:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union(get_args(hint))
    if origin in (tuple, frozenset):
        return _collection(origin, get_args(hint))
    if isinstance(hint, NewType):
        return _codec(hint.__supertype__)
    if not isinstance(hint, type):
        raise TypeError("a type that the wire cannot carry")
    return _single(hint)


def _single(kind: type) -> _Codec:
    if kind in _PLAIN:
        return _Codec(lambda value: value, _exactly(kind))
    if kind is bytes:
        return _Codec(lambda value: b64encode(value).decode("ascii"), _bytes)
    if issubclass(kind, Enum):
        return _enum(kind)
    if is_dataclass(kind):
        return _record(kind)
    raise TypeError("a type that the wire cannot carry")


def _exactly(kind: type) -> Callable[[object], object]:
    def read(plain: object) -> object:
        if type(plain) is not kind:
            raise WireFault(kind.__name__)
        return plain

    return read


def _bytes(plain: object) -> bytes:
    if not isinstance(plain, str):
        raise WireFault("bytes")
    try:
        return b64decode(plain, validate=True)
    except ValueError:
        raise WireFault("bytes") from None


def _enum(kind: type[Enum]) -> _Codec:
    members: dict[object, Enum] = {member.value: member for member in kind}

    def read(plain: object) -> Enum:
        member = members.get(plain) if isinstance(plain, (str, int)) else None
        if member is None:
            raise WireFault(kind.__name__)
        return member

    return _Codec(lambda value: value.value, read)


def _record(kind: type) -> _Codec:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    codecs = [_codec(hints[name]) for name in names]
    writers = [(name, codec.write) for name, codec in zip(names, codecs, strict=True)]
    readers = [codec.read for codec in codecs]

    def write(value: object) -> list[object]:
        return [writer(getattr(value, name)) for name, writer in writers]

    def read(plain: object) -> object:
        parts = _list(plain, kind.__name__, len(readers))
        values = [reader(part) for reader, part in zip(readers, parts, strict=True)]
        try:
            return kind(*values)
        except (TypeError, ValueError):
            raise WireFault(kind.__name__) from None

    return _Codec(write, read)


def _collection(kind: type, arguments: tuple[Any, ...]) -> _Codec:
    if kind is tuple and arguments[-1] is not ...:
        return _fixed([_codec(argument) for argument in arguments])
    member = _codec(arguments[0])
    writer, reader = member.write, member.read

    def write(value: Any) -> list[object]:
        return [writer(part) for part in value]

    def read(plain: object) -> object:
        return kind([reader(part) for part in _list(plain, kind.__name__)])

    return _Codec(write, read)


def _fixed(codecs: list[_Codec]) -> _Codec:
    def write(value: Any) -> list[object]:
        return [codec.write(part) for codec, part in zip(codecs, value, strict=True)]

    def read(plain: object) -> object:
        parts = _list(plain, "tuple", len(codecs))
        return tuple(codec.read(part) for codec, part in zip(codecs, parts, strict=True))

    return _Codec(write, read)


def _union(arguments: tuple[Any, ...]) -> _Codec:
    """`None`, written as null, and any number of classes; or `None` and one other type."""
    members = [argument for argument in arguments if argument is not type(None)]
    optional = len(members) < len(arguments)
    inner = _codec(members[0]) if len(members) == 1 else _tagged(members)

    def write(value: object) -> object:
        return None if optional and value is None else inner.write(value)

    def read(plain: object) -> object:
        return None if optional and plain is None else inner.read(plain)

    return _Codec(write, read)


def _tagged(members: list[type]) -> _Codec:
    codecs = {member.__name__: _codec(member) for member in members}

    def write(value: object) -> list[object]:
        name = type(value).__name__
        return [name, codecs[name].write(value)]

    def read(plain: object) -> object:
        name, fields_of = _list(plain, "union", 2)
        if not isinstance(name, str) or name not in codecs:
            raise WireFault("union")
        return codecs[name].read(fields_of)

    return _Codec(write, read)


def _list(plain: object, name: str, length: int | None = None) -> list[object]:
    if not isinstance(plain, list) or length not in (None, len(plain)):
        raise WireFault(name)
    return plain
