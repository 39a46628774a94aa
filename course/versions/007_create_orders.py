"""Sell courses: coupons, orders and payments."""

from scripts.engine.revision import migration

revision = "007"
down_revision = "006"

upgrade, downgrade = migration(__file__)
