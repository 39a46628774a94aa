"""Count the learners and stars that there are."""

from scripts.engine.revision import migration

revision = "023"
down_revision = "022"

upgrade, downgrade = migration(__file__)
