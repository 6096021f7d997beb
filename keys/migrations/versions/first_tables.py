"""Subjects, their enrolments, and what they are called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "first_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the first release."""
    _subjects()
    _enrolments()
    for table, value in (("forward", "assignment"), ("reverse", "subject")):
        op.create_table(
            table,
            sa.Column("key", sa.LargeBinary(32), nullable=False),
            sa.Column(value, sa.LargeBinary, nullable=False),
            sa.PrimaryKeyConstraint("key", name=f"pk_{table}"),
            sqlite_with_rowid=False,
        )


def _subjects() -> None:
    op.create_table(
        "subject",
        sa.Column("pid", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("identity", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pid", name="pk_subject"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subject_index",
        sa.Column("blind_index", sa.LargeBinary(32), nullable=False),
        sa.Column("pid", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("blind_index", name="pk_subject_index"),
        sa.ForeignKeyConstraint(["pid"], ["subject.pid"], name="fk_subject_index_pid"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_subject_index_pid", "subject_index", ["pid"])


def _enrolments() -> None:
    op.create_table(
        "enrolment",
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_enrolment"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "transfer",
        sa.Column("transfer_id", sa.String(128), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("domain", sa.String(128), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("closed", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("transfer_id", name="pk_transfer"),
        sa.ForeignKeyConstraint(["case_id"], ["enrolment.case_id"], name="fk_transfer_case_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_transfer_case_id", "transfer", ["case_id"])
