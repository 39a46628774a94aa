"""Certify what learners have completed."""

from scripts.engine.revision import migration

revision = "017"
down_revision = "016"

upgrade, downgrade = migration(__file__)
