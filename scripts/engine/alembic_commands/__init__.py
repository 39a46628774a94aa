"""Everything that uses Alembic and SQLAlchemy: commands, revisions, given connections."""
