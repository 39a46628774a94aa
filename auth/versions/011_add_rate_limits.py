"""Keep rate limits in the database."""

from scripts.engine.revision import migration

revision = "011"
down_revision = "010"

upgrade, downgrade = migration(__file__)
