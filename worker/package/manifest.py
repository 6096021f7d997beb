"""The manifest of a package: what is in it, about whom, from whom, to whom, and until when.

Canonical JSON (sorted keys, no spaces, no floats, UTF-8), so that the signature covers one spelling only.
Nothing in it names the person, nor a file of the clinic, nor the digest of one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

PAYLOAD_TYPE = "application/vnd.pseudodont.manifest.v1+json"
VERSION = 1

README = "README.txt"
MANIFEST = "manifest.json"
ENVELOPE = "manifest.dsse.json"
PRESCRIPTION = "prescription.json"
RESERVED = (README, MANIFEST, ENVELOPE, PRESCRIPTION)

_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class BadManifest(Exception):
    """The manifest cannot be written or read as one; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sender:
    """The clinic that signs: its name and country (ISO 3166-1 alpha-2)."""

    name: str
    country: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """The recipient that the package is meant for, and the fingerprint of the key it is sealed to."""

    id: str
    name: str
    key_fingerprint: str


@dataclass(frozen=True, slots=True)
class Profile:
    """The de-identification profile that was applied, by name and digest."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What the sender states about a transfer as a whole; times are aware."""

    transfer: str
    created: datetime
    sender: Sender
    recipient: Addressee
    pseudonym: str
    purpose: str
    expires: datetime
    profile: Profile


@dataclass(frozen=True, slots=True)
class Digest:
    """The size and the SHA-256 of a member's bytes."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file of the package: where, what it shows, what it is, how many instances it holds."""

    path: str
    role: str
    kind: str
    instances: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Manifest:
    """A statement, the key that signs it (its printed line), and what the package consists of."""

    statement: Statement
    signer: str
    readme: Digest
    prescription: Digest
    files: tuple[PackedFile, ...]

    def encode(self) -> bytes:
        """Return the manifest as canonical JSON, with a line end."""
        stated = self.statement
        document = {
            "version": VERSION,
            "transfer": stated.transfer,
            "created": _time_text(stated.created),
            "sender": {"name": stated.sender.name, "country": stated.sender.country, "key": self.signer},
            "recipient": {
                "id": stated.recipient.id,
                "name": stated.recipient.name,
                "key_fingerprint": stated.recipient.key_fingerprint,
            },
            "pseudonym": stated.pseudonym,
            "purpose": stated.purpose,
            "expires": _time_text(stated.expires),
            "profile": {"name": stated.profile.name, "digest": stated.profile.digest},
            "readme": _digest_fields(self.readme),
            "prescription": _digest_fields(self.prescription),
            "files": [
                {"path": file.path, "role": file.role, "kind": file.kind, "instances": file.instances}
                | _digest_fields(file.digest)
                for file in self.files
            ],
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode() + b"\n"


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest that `data` is the canonical form of; raise `BadManifest` for anything else."""
    try:
        document = json.loads(data, parse_float=_refuse, parse_constant=_refuse)
        if document["version"] != VERSION:
            raise BadManifest("manifest-version")
        manifest = _manifest(document)
        canonical = manifest.encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadManifest("manifest-damaged") from None
    # An unknown field, a repeated key or a second spelling would be signed, and read by nobody.
    if canonical != data:
        raise BadManifest("manifest-damaged")
    check_paths(file.path for file in manifest.files)
    return manifest


def check_paths(paths: Iterable[str]) -> None:
    """Return when every path is neutral and safe on any system, and no two get in each other's way."""
    taken = {path.casefold() for path in RESERVED}
    folders: set[str] = set()
    for path in paths:
        parts = path.split("/")
        if not all(_PART.fullmatch(part) and not _DEVICE.fullmatch(part) for part in parts):
            raise BadManifest("member-name")
        folded = path.casefold()
        above = {folded.rsplit("/", depth)[0] for depth in range(1, len(parts))}
        if folded in taken or folded in folders or above & taken:
            raise BadManifest("member-duplicate")
        taken.add(folded)
        folders |= above


def _manifest(document: Mapping[str, object]) -> Manifest:
    sender, recipient = _fields(document, "sender"), _fields(document, "recipient")
    profile = _fields(document, "profile")
    statement = Statement(
        transfer=_text(document, "transfer"),
        created=_time(document, "created"),
        sender=Sender(_text(sender, "name"), _text(sender, "country")),
        recipient=Addressee(_text(recipient, "id"), _text(recipient, "name"), _text(recipient, "key_fingerprint")),
        pseudonym=_text(document, "pseudonym"),
        purpose=_text(document, "purpose"),
        expires=_time(document, "expires"),
        profile=Profile(_text(profile, "name"), _text(profile, "digest")),
    )
    files = document["files"]
    if not isinstance(files, list):
        raise BadManifest("manifest-damaged")
    return Manifest(
        statement=statement,
        signer=_text(sender, "key"),
        readme=_digest(_fields(document, "readme")),
        prescription=_digest(_fields(document, "prescription")),
        files=tuple(_file(each) for each in files),
    )


def _file(each: Mapping[str, object]) -> PackedFile:
    names = (_text(each, "path"), _text(each, "role"), _text(each, "kind"))
    return PackedFile(*names, _count(each, "instances"), _digest(each))


def _digest(fields: Mapping[str, object]) -> Digest:
    return Digest(_count(fields, "size"), _text(fields, "sha256"))


def _digest_fields(digest: Digest) -> dict[str, str | int]:
    return {"size": digest.size, "sha256": digest.sha256}


def _fields(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = document[name]
    if not isinstance(value, dict):
        raise BadManifest("manifest-damaged")
    return value


def _text(document: Mapping[str, object], name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise BadManifest("manifest-damaged")
    return value


def _count(document: Mapping[str, object], name: str) -> int:
    value = document[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadManifest("manifest-damaged")
    return value


def _time(document: Mapping[str, object], name: str) -> datetime:
    return datetime.strptime(_text(document, name), _TIME).replace(tzinfo=UTC)


def _time_text(moment: datetime) -> str:
    """Return the time in UTC to the second (RFC 3339)."""
    if moment.tzinfo is None:
        raise BadManifest("manifest-time")
    return moment.astimezone(UTC).strftime(_TIME)


def _refuse(_: str) -> NoReturn:
    raise BadManifest("manifest-damaged")
