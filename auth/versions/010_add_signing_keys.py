"""Add the keys that sign JSON web tokens."""

from scripts.engine.revision import migration

revision = "010"
down_revision = "009"

upgrade, downgrade = migration(__file__)
