"""Show the catalogue as pages need it."""

from scripts.engine.revision import migration

revision = "025"
down_revision = "024"

upgrade, downgrade = migration(__file__)
