"""Let the application read and write, and no more."""

from scripts.engine.revision import migration

revision = "011"
down_revision = "010"

upgrade, downgrade = migration(__file__)
