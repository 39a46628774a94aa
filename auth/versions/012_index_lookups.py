"""Index what is looked up on every request, and what expires."""

from scripts.engine.revision import migration

revision = "012"
down_revision = "011"

upgrade, downgrade = migration(__file__)
