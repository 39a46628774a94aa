"""Give money back, and say why."""

from scripts.engine.revision import migration

revision = "018"
down_revision = "017"

upgrade, downgrade = migration(__file__)
