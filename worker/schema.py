"""The tables of the worker's database, all but the ledger's own.

No table holds identity or a pseudonym: names and orders are sealed in the incoming store, pseudonyms
are in `keys` and inside the packages.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from worker.metadata import metadata

_ID, _DIGEST, _CODE, _TIME = String(64), String(64), String(80), String(32)
"""Times are RFC 3339 in UTC: they sort as text, and SQLite and PostgreSQL read them alike."""

recipient = Table(
    "recipient",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("country", String(2), nullable=False),
    Column("role", String(16), nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", _DIGEST, nullable=False),
    Column("basis", Text),
    Column("added_at", _TIME, nullable=False),
    Column("revoked_at", _TIME),
)

case = Table(
    "clinic_case",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("created_at", _TIME, nullable=False),
    Column("purpose", _CODE, nullable=False),
    Column("order_object", Text, nullable=False),
    Column("order_size", Integer, nullable=False),
    Column("order_sha256", _DIGEST, nullable=False),
)

item = Table(
    "item",
    metadata,
    Column("case_id", _ID, ForeignKey("clinic_case.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", _DIGEST, nullable=False),
)

part = Table(
    "part",
    metadata,
    Column("case_id", _ID, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("object", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", _DIGEST, nullable=False),
    ForeignKeyConstraint(["case_id", "item"], ["item.case_id", "item.ordinal"]),
)

transfer = Table(
    "transfer",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("case_id", _ID, ForeignKey("clinic_case.id"), nullable=False),
    Column("recipient_id", _ID, ForeignKey("recipient.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("commitment", _DIGEST),
    Column("attempt", Integer, nullable=False, default=0),
    Column("deaths", Integer, nullable=False, default=0),
    Column("lease_until", _TIME),
    Column("not_before", _TIME),
    Column("pixels_checked", Integer, nullable=False, default=0),
    Column("object", Text),
    Column("package_sha256", _DIGEST),
    Column("package_size", BigInteger),
    Column("profile", _CODE),
    Column("profile_digest", _DIGEST),
    Column("entry", Integer),
    Column("closed", Integer, nullable=False, default=0),
    Index("ix_transfer_state", "state"),
)

hold = Table(
    "hold",
    metadata,
    Column("transfer_id", _ID, ForeignKey("transfer.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("code", _CODE, nullable=False),
    Column("scan", _CODE, nullable=False),
    Column("place", Text, nullable=False),
)

exclusion = Table(
    "exclusion",
    metadata,
    Column("transfer_id", _ID, ForeignKey("transfer.id"), primary_key=True),
    Column("scan", _CODE, primary_key=True),
    Column("reason", _CODE, nullable=False),
)
