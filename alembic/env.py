"""Run by `ttsai_server.store.migrate`, which hands over a connection that is already in a transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
