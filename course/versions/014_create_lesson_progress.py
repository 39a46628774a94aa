"""Remember how far a learner has come in each lesson."""

from scripts.engine.revision import migration

revision = "014"
down_revision = "013"

upgrade, downgrade = migration(__file__)
