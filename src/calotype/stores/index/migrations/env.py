"""What Alembic runs around the revisions: on the connection that :func:`migrations.upgrade` hands it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
