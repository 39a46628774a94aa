"""Progress without a user is nobody's."""

from scripts.engine.revision import migration

revision = "028"
down_revision = "027"

upgrade, downgrade = migration(__file__)
