"""The tables of the key database.

What stands here in the clear: random subject ids, and the case, transfer and domain names of
enrolments. What joins an enrolment, a pseudonym or a person to a subject id is a keyed hash or sealed.
No table has row ids in SQLite: the order in which rows were made would join them to another table's.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

REVISION = "first_tables"
"""The newest of `migrations/versions`: a database that is there already needs no migrating."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

subject = Table(
    "subject",
    metadata,
    Column("pid", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("identity", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Apart from `subject`, so that a rotated index or a merged subject may have two entries.
subject_index = Table(
    "subject_index",
    metadata,
    Column("blind_index", LargeBinary(32), primary_key=True),
    Column("pid", String(32), ForeignKey("subject.pid"), nullable=False),
    Index(None, "pid"),
    sqlite_with_rowid=False,
)

enrolment = Table(
    "enrolment",
    metadata,
    Column("case_id", String(128), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("subject", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

transfer = Table(
    "transfer",
    metadata,
    Column("transfer_id", String(128), primary_key=True),
    Column("case_id", String(128), ForeignKey("enrolment.case_id"), nullable=False),
    Column("domain", String(128), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("closed", BigInteger, nullable=True),
    Index(None, "case_id"),
    sqlite_with_rowid=False,
)

forward = Table(
    "forward",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("assignment", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

reverse = Table(
    "reverse",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("subject", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
