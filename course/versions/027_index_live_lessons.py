"""Find the live lessons that come next."""

from scripts.engine.revision import migration

revision = "027"
down_revision = "026"

upgrade, downgrade = migration(__file__)
