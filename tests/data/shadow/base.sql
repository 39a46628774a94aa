-- UP
CREATE TABLE IF NOT EXISTS customers (id bigint PRIMARY KEY, name text NOT NULL, email text);
CREATE TABLE IF NOT EXISTS orders (
    id bigint PRIMARY KEY,
    customer_id bigint CONSTRAINT orders_customer REFERENCES customers (id),
    total integer NOT NULL DEFAULT 0,
    note varchar(100),
    placed timestamptz DEFAULT now(),
    CONSTRAINT orders_total_check CHECK (total >= 0)
);
CREATE INDEX IF NOT EXISTS orders_customer_idx ON orders (customer_id);
COMMENT ON TABLE orders IS 'What was bought';
CREATE TABLE IF NOT EXISTS archive (id bigint, what text);
DO $$ BEGIN CREATE TYPE status AS ENUM ('new', 'paid'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE OR REPLACE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0;
CREATE SEQUENCE IF NOT EXISTS numbers START 100;
-- DOWN
DROP SEQUENCE IF EXISTS numbers;
DROP VIEW IF EXISTS open_orders;
DROP FUNCTION IF EXISTS stamp();
DROP TYPE IF EXISTS status;
DROP TABLE IF EXISTS archive;
DROP TABLE IF EXISTS orders;
DROP TABLE IF EXISTS customers;
