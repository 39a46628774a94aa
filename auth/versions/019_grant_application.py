"""Let the application read and write, and no more."""

from scripts.engine.revision import migration

revision = "019"
down_revision = "018"

upgrade, downgrade = migration(__file__)
