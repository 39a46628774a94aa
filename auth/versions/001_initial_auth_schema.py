"""Create BetterAuth's core tables: user, session, account, verification."""

from scripts.engine.revision import migration

revision = "001"
down_revision = None

upgrade, downgrade = migration(__file__)
