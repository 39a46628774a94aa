"""A run: Alembic's steps, and all that makes them safe."""
