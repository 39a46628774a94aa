"""Find courses by their words without reading all."""

from scripts.engine.revision import migration

revision = "013"
down_revision = "012"

upgrade, downgrade = migration(__file__)
