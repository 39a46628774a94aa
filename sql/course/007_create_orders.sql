-- Migration: 007_create_orders.sql
-- Description: Sell courses: coupons, orders and payments
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- An UPDATE that changes nothing leaves the time alone. Before the row is written its generated
    -- columns are NULL in NEW; a trigger names them as arguments, and they are left out.
    IF (TG_NARGS = 0 AND NEW IS DISTINCT FROM OLD)
        OR (TG_NARGS > 0 AND to_jsonb(NEW) - TG_ARGV <> to_jsonb(OLD) - TG_ARGV)
    THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END;
$$;

-- Money is in the minor unit of its currency, as in courses: nothing is ever rounded on the way.

CREATE TABLE IF NOT EXISTS coupons (
    id bigint GENERATED ALWAYS AS IDENTITY,
    code text NOT NULL,
    percent_off smallint,
    amount_off_minor bigint,
    currency char(3),
    redemptions integer NOT NULL DEFAULT 0,
    max_redemptions integer,
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT coupons_pkey PRIMARY KEY (id),
    CONSTRAINT coupons_code_key UNIQUE (code),
    CONSTRAINT coupons_code_check CHECK (code ~ '^[A-Z0-9-]{3,40}$'),
    CONSTRAINT coupons_one_kind_check CHECK (num_nonnulls(percent_off, amount_off_minor) = 1),
    CONSTRAINT coupons_percent_off_check CHECK (percent_off BETWEEN 1 AND 100),
    CONSTRAINT coupons_amount_off_check
        CHECK (amount_off_minor IS NULL OR (amount_off_minor > 0 AND currency IS NOT NULL)),
    CONSTRAINT coupons_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT coupons_redemptions_check CHECK (redemptions BETWEEN 0 AND max_redemptions),
    CONSTRAINT coupons_valid_until_check CHECK (valid_until > valid_from)
);
COMMENT ON TABLE coupons IS 'Codes that make an order cheaper';
COMMENT ON COLUMN coupons.id IS 'Nobody outside sees it';
COMMENT ON COLUMN coupons.code IS 'In capitals, as it is printed and typed';
COMMENT ON COLUMN coupons.percent_off IS 'By how many percent; then amount_off_minor is NULL';
COMMENT ON COLUMN coupons.amount_off_minor IS 'By how much, in the minor unit of currency; then percent_off is NULL';
COMMENT ON COLUMN coupons.currency IS 'ISO 4217 code; NULL where the coupon is for a percentage';
COMMENT ON COLUMN coupons.redemptions IS 'How many orders have used it';
COMMENT ON COLUMN coupons.max_redemptions IS 'How many may; NULL is without limit';
COMMENT ON COLUMN coupons.valid_from IS 'From when it is accepted';
COMMENT ON COLUMN coupons.valid_until IS 'Until when; NULL is for ever';
COMMENT ON COLUMN coupons.created_at IS 'When it was thought of';
COMMENT ON COLUMN coupons.updated_at IS 'When the row was last changed';

CREATE TABLE IF NOT EXISTS orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id text NOT NULL,
    coupon_id bigint,
    status text NOT NULL DEFAULT 'pending',
    currency char(3) NOT NULL,
    subtotal_minor bigint NOT NULL,
    discount_minor bigint NOT NULL DEFAULT 0,
    total_minor bigint NOT NULL GENERATED ALWAYS AS (subtotal_minor - discount_minor) STORED,
    paid_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_coupon_id_fkey
        FOREIGN KEY (coupon_id) REFERENCES coupons (id) ON DELETE RESTRICT,
    CONSTRAINT orders_status_check CHECK (status IN ('pending', 'paid', 'refunded', 'cancelled')),
    CONSTRAINT orders_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT orders_amounts_check
        CHECK (subtotal_minor >= 0 AND discount_minor BETWEEN 0 AND subtotal_minor),
    CONSTRAINT orders_paid_at_check CHECK (status <> 'paid' OR paid_at IS NOT NULL)
);
CREATE INDEX IF NOT EXISTS orders_user_id_created_at_idx ON orders (user_id, created_at DESC);
CREATE INDEX IF NOT EXISTS orders_coupon_id_idx ON orders (coupon_id);
COMMENT ON TABLE orders IS 'What people have bought, or are about to buy';
COMMENT ON COLUMN orders.id IS 'The number on the invoice';
COMMENT ON COLUMN orders.user_id IS 'The person''s id in the auth database; no foreign key can reach it';
COMMENT ON COLUMN orders.coupon_id IS 'The coupon that was redeemed, if any';
COMMENT ON COLUMN orders.status IS 'pending, paid, refunded or cancelled';
COMMENT ON COLUMN orders.currency IS 'ISO 4217 code, of all amounts of the order';
COMMENT ON COLUMN orders.subtotal_minor IS 'What its items cost, before the coupon';
COMMENT ON COLUMN orders.discount_minor IS 'What the coupon takes off';
COMMENT ON COLUMN orders.total_minor IS 'What is to be paid';
COMMENT ON COLUMN orders.paid_at IS 'When the money came; stays when it is refunded';
COMMENT ON COLUMN orders.created_at IS 'When it was begun';
COMMENT ON COLUMN orders.updated_at IS 'When the row was last changed';

CREATE TABLE IF NOT EXISTS order_items (
    order_id bigint NOT NULL,
    course_id bigint NOT NULL,
    price_minor bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT order_items_pkey PRIMARY KEY (order_id, course_id),
    CONSTRAINT order_items_order_id_fkey
        FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
    CONSTRAINT order_items_course_id_fkey
        FOREIGN KEY (course_id) REFERENCES courses (id) ON DELETE RESTRICT,
    CONSTRAINT order_items_price_minor_check CHECK (price_minor >= 0)
);
CREATE INDEX IF NOT EXISTS order_items_course_id_idx ON order_items (course_id);
COMMENT ON TABLE order_items IS 'The courses of an order';
COMMENT ON COLUMN order_items.order_id IS 'Of which order';
COMMENT ON COLUMN order_items.course_id IS 'Which course; nobody buys one twice in an order';
COMMENT ON COLUMN order_items.price_minor IS 'What it cost then: the price of the course may change';
COMMENT ON COLUMN order_items.created_at IS 'When it was put into the basket';

CREATE TABLE IF NOT EXISTS payments (
    id bigint GENERATED ALWAYS AS IDENTITY,
    order_id bigint NOT NULL,
    provider text NOT NULL,
    reference text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    amount_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payments_pkey PRIMARY KEY (id),
    CONSTRAINT payments_provider_reference_key UNIQUE (provider, reference),
    CONSTRAINT payments_order_id_fkey
        FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE RESTRICT,
    CONSTRAINT payments_status_check
        CHECK (status IN ('pending', 'succeeded', 'failed', 'refunded')),
    CONSTRAINT payments_amount_minor_check CHECK (amount_minor > 0),
    CONSTRAINT payments_currency_check CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX IF NOT EXISTS payments_order_id_idx ON payments (order_id);
COMMENT ON TABLE payments IS 'Attempts to pay an order; a provider may tell of one several times';
COMMENT ON COLUMN payments.id IS 'Nobody outside sees it';
COMMENT ON COLUMN payments.order_id IS 'What is paid';
COMMENT ON COLUMN payments.provider IS 'Who moves the money: stripe, paypal, invoice';
COMMENT ON COLUMN payments.reference IS 'What the provider calls the attempt';
COMMENT ON COLUMN payments.status IS 'pending, succeeded, failed or refunded';
COMMENT ON COLUMN payments.amount_minor IS 'How much, in the minor unit of currency';
COMMENT ON COLUMN payments.currency IS 'ISO 4217 code';
COMMENT ON COLUMN payments.created_at IS 'When it was begun';
COMMENT ON COLUMN payments.updated_at IS 'When the provider last told of it';

CREATE OR REPLACE TRIGGER coupons_set_updated_at BEFORE UPDATE ON coupons
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE OR REPLACE TRIGGER orders_set_updated_at BEFORE UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION set_updated_at('total_minor');
CREATE OR REPLACE TRIGGER payments_set_updated_at BEFORE UPDATE ON payments
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS payments;
-- DROP TABLE IF EXISTS order_items;
-- DROP TABLE IF EXISTS orders;
-- DROP TABLE IF EXISTS coupons;
-- CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger
-- LANGUAGE plpgsql AS $$
-- BEGIN
--     -- An UPDATE that changes nothing leaves the time alone. The test stands here and not in the
--     -- triggers' WHEN, which refuses NEW.* once a table has a generated column.
--     IF NEW IS DISTINCT FROM OLD THEN
--         NEW.updated_at := now();
--     END IF;
--     RETURN NEW;
-- END;
-- $$;
