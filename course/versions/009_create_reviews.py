"""Let learners review courses."""

from scripts.engine.revision import migration

revision = "009"
down_revision = "008"

upgrade, downgrade = migration(__file__)
