"""Search the catalogue by words."""

from scripts.engine.revision import migration

revision = "012"
down_revision = "011"

upgrade, downgrade = migration(__file__)
