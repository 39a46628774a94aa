"""Keep updated_at up to date by triggers."""

from scripts.engine.revision import migration

revision = "006"
down_revision = "005"

upgrade, downgrade = migration(__file__)
