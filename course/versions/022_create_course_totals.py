"""Count learners and stars as they come."""

from scripts.engine.revision import migration

revision = "022"
down_revision = "021"

upgrade, downgrade = migration(__file__)
