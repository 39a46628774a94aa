"""What the commands call: each decides, runs and returns. It knows nothing of commands.

Alembic and SQLAlchemy are imported only where something is run: a look has no need of them.
"""
