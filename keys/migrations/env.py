"""Run the revisions on the connection that the service passes in: there is no alembic.ini."""

from __future__ import annotations

from alembic import context

from keys.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
