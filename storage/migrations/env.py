"""Alembic's hook: runs on the connection that `migrate` hands over."""

from alembic import context

from storage.tables.columns import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
