"""Let people sign in by a name of their own."""

from scripts.engine.revision import migration

revision = "006"
down_revision = "005"

upgrade, downgrade = migration(__file__)
