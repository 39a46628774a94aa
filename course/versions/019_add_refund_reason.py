"""A course that is withdrawn is a reason to give money back."""

from scripts.engine.revision import migration

revision = "019"
down_revision = "018"

upgrade, downgrade = migration(__file__)
