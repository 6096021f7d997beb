"""Keys under keys: the key-encryption key wraps the service's own keys and one data key a subject.

Destroying a subject's data key is what erases the subject, in the database and in every backup of
it; so wrapped data keys live in a folder of their own, whose backups are kept for less long.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Protocol

from keys import durable
from keys.cipher import KEY_SIZE, Random, seal, unseal
from keys.errors import KeysMisconfigured, KeysRefused


class Wrapping(Protocol):
    """Where the key-encryption key is: a file, a cloud's key service, a vault.

    `name` says which key is wrapped and is bound to it: a wrapped key moved to another name does not
    unwrap. Both calls may be repeated; neither keeps anything.
    """

    def wrap(self, key: bytes, name: str) -> bytes:
        """Return `key` wrapped as `name`."""
        ...

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        """Return the key that was wrapped as `name`, or refuse."""
        ...


class KeyFile:
    """Wraps under a key-encryption key of 32 random bytes in a file of mode 0600."""

    def __init__(self, path: Path, random: Random) -> None:
        self._key = durable.read(path)
        self._random = random
        if len(self._key) != KEY_SIZE:
            raise KeysMisconfigured("keys-damaged")

    @staticmethod
    def create(path: Path, random: Random) -> None:
        """Make a new key-encryption key in `path`."""
        durable.write(path, random(KEY_SIZE))

    def wrap(self, key: bytes, name: str) -> bytes:
        """Return `key` wrapped as `name`."""
        return seal(self._key, key, "wrapped", name, random=self._random)

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        """Return the key that was wrapped as `name`, or refuse."""
        return unseal(self._key, wrapped, "wrapped", name)


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """The service's own keys: each for one use, none derived from another."""

    blind_index: bytes = field(repr=False)
    forward: bytes = field(repr=False)
    reverse: bytes = field(repr=False)
    reverse_value: bytes = field(repr=False)
    enrolment: bytes = field(repr=False)
    enrolment_digest: bytes = field(repr=False)

    @classmethod
    def create(cls, path: Path, wrapping: Wrapping, random: Random) -> None:
        """Make new service keys and write them to `path`, wrapped."""
        wrapped = {f.name: wrapping.wrap(random(KEY_SIZE), f"service/{f.name}").hex() for f in fields(cls)}
        durable.write(path, json.dumps(wrapped).encode())

    @classmethod
    def load(cls, path: Path, wrapping: Wrapping) -> ServiceKeys:
        """Return the service keys in `path`, or refuse a file that was damaged or changed."""
        stored = durable.read(path)
        try:
            wrapped = {name: bytes.fromhex(text) for name, text in json.loads(stored).items()}
            return cls(**{f.name: wrapping.unwrap(wrapped[f.name], f"service/{f.name}") for f in fields(cls)})
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeysMisconfigured("keys-damaged") from None


@dataclass(frozen=True, slots=True)
class DataKeys:
    """The store of subjects' data keys: one wrapped file each, durable before `create` returns."""

    folder: Path
    wrapping: Wrapping
    random: Random = field(repr=False)

    def create(self, pid: str) -> bytes:
        """Make, store and return the data key of a new subject."""
        key = self.random(KEY_SIZE)
        durable.write(self.folder / pid, self.wrapping.wrap(key, f"data/{pid}"))
        return key

    def key(self, pid: str) -> bytes:
        """Return the data key of `pid`; refuse where it was destroyed."""
        try:
            wrapped = (self.folder / pid).read_bytes()
        except OSError:
            raise KeysRefused("data-key-missing") from None
        return self.wrapping.unwrap(wrapped, f"data/{pid}")

    def destroy(self, pid: str) -> None:
        """Make everything sealed under the data key of `pid` unreadable; repeating it changes nothing."""
        durable.remove(self.folder / pid)
