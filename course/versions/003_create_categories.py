"""Create the tree of categories and the courses in them."""

from scripts.engine.revision import migration

revision = "003"
down_revision = "002"

upgrade, downgrade = migration(__file__)
