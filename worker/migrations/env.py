"""Alembic's entry: runs the revisions over the connection that `worker.database` opened."""

from alembic import context

from worker import schema
from worker.ledger import schema as ledger_schema
from worker.metadata import metadata

# Imported for their tables, which are declared on `metadata`.
assert schema.transfer.metadata is ledger_schema.entry.metadata is metadata  # noqa: S101

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
