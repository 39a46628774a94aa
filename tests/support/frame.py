"""The project that the examples of docs/checks.md are tried in, and how each becomes files.

A line such as `-- 007_add_coupons.sql` begins a file; an example without one is one file, 007.
A file without a `-- UP` line is the UP alone, and gets a DOWN that does nothing.
"""

from __future__ import annotations

import re

FRAME = {
    "001_create_orders.sql": """\
-- UP
DO $$ BEGIN
    CREATE TYPE order_status AS ENUM ('paid');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
CREATE TABLE IF NOT EXISTS orders (
    id bigint PRIMARY KEY, user_id text, coupon_id bigint, currency text DEFAULT 'EUR', note text,
    status order_status, total integer, refunded_at timestamptz,
    CONSTRAINT orders_total_check CHECK (total >= 0)
);
CREATE INDEX IF NOT EXISTS orders_user_id_idx ON orders (user_id);

-- DOWN
DROP TABLE IF EXISTS orders;
DROP TYPE IF EXISTS order_status;
""",
    "002_create_coupons.sql": """\
-- UP
CREATE TABLE IF NOT EXISTS coupons (id bigint PRIMARY KEY, code text);
CREATE TABLE IF NOT EXISTS carts (id bigint PRIMARY KEY);
CREATE TABLE IF NOT EXISTS categories (id bigint PRIMARY KEY);
CREATE TABLE IF NOT EXISTS course_categories (category_id bigint REFERENCES categories (id));

-- DOWN
DROP TABLE IF EXISTS course_categories;
DROP TABLE IF EXISTS categories;
DROP TABLE IF EXISTS carts;
DROP TABLE IF EXISTS coupons;
""",
    "003_create_visits.sql": """\
-- UP
CREATE TABLE IF NOT EXISTS visits (id bigint NOT NULL, at timestamptz);
CREATE UNIQUE INDEX IF NOT EXISTS visits_id_idx ON visits (id);
CREATE TABLE IF NOT EXISTS events (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE IF NOT EXISTS events_2025_01 PARTITION OF events
    FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');

-- DOWN
DROP TABLE IF EXISTS events;
DROP TABLE IF EXISTS visits;
""",
    "004_create_money.sql": """\
-- UP
CREATE SCHEMA IF NOT EXISTS shop;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SEQUENCE IF NOT EXISTS order_numbers;
DO $$ BEGIN CREATE DOMAIN money_minor AS bigint; EXCEPTION WHEN duplicate_object THEN NULL; END $$;

-- DOWN
DROP SEQUENCE IF EXISTS order_numbers;
DROP EXTENSION IF EXISTS citext;
DROP SCHEMA IF EXISTS shop;
""",
    "005_create_open_orders.sql": """\
-- UP
CREATE OR REPLACE VIEW open_orders AS SELECT id, total FROM orders WHERE refunded_at IS NULL;
CREATE OR REPLACE FUNCTION order_total() RETURNS bigint LANGUAGE sql
    AS $$ SELECT sum(total) FROM orders $$;

-- DOWN
DROP FUNCTION IF EXISTS order_total;
DROP VIEW IF EXISTS open_orders;
""",
    "006_add_triggers.sql": """\
-- UP
-- a trigger for every table
CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN NEW; END; $$;
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();

-- DOWN
DROP TRIGGER IF EXISTS touch ON orders;
DROP FUNCTION IF EXISTS touch;
""",
}
"""Released migrations, with all that the examples speak of."""
_BEGINS = re.compile(r"^-- (\d{3}_[a-z_]+\.sql)\n", re.MULTILINE)


def files(example: str) -> dict[str, str]:
    """Return the files of an example by name."""
    first, *rest = _BEGINS.split(f"{example}\n")
    named = dict(zip(rest[::2], rest[1::2], strict=True))
    if first.strip():
        named["007_example.sql"] = first
    return {name: whole(text) for name, text in named.items()}


def whole(text: str) -> str:
    """Return the text of a migration file, made of the UP where that is all there is."""
    if re.search("^-- UP", text, re.MULTILINE):
        return text
    return f"-- UP\n{text}\n-- DOWN\n-- SELECT 1;\n"
