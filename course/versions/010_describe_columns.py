"""Say what each column of the catalogue is."""

from scripts.engine.revision import migration

revision = "010"
down_revision = "009"

upgrade, downgrade = migration(__file__)
