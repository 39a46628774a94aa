"""All that knows Alembic and SQLAlchemy: commands, revisions, connections that programs give."""
