"""Redeem a coupon, the last one once."""

from scripts.engine.revision import migration

revision = "008"
down_revision = "007"

upgrade, downgrade = migration(__file__)
