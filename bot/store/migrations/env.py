"""Alembic runs this for every upgrade: with the caller's connection, in the caller's transaction."""

from alembic import context

from bot.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
