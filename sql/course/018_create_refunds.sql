-- Migration: 018_create_refunds.sql
-- Description: Give money back, and say why
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

DO $$
BEGIN
    CREATE TYPE refund_reason AS ENUM ('changed_mind', 'duplicate', 'fraud', 'other');
EXCEPTION WHEN duplicate_object THEN
    NULL;
END $$;
COMMENT ON TYPE refund_reason IS 'Why money was given back: what accounting counts by';

CREATE TABLE IF NOT EXISTS refunds (
    id bigint GENERATED ALWAYS AS IDENTITY,
    payment_id bigint NOT NULL,
    reason refund_reason NOT NULL,
    amount_minor bigint NOT NULL,
    note text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refunds_pkey PRIMARY KEY (id),
    CONSTRAINT refunds_payment_id_fkey
        FOREIGN KEY (payment_id) REFERENCES payments (id) ON DELETE RESTRICT,
    CONSTRAINT refunds_amount_minor_check CHECK (amount_minor > 0)
);
CREATE INDEX IF NOT EXISTS refunds_payment_id_idx ON refunds (payment_id);
COMMENT ON TABLE refunds IS 'Money that was given back; several refunds may share a payment. The application sees to it that they are no more than it was';
COMMENT ON COLUMN refunds.id IS 'Nobody outside sees it';
COMMENT ON COLUMN refunds.payment_id IS 'Of which payment';
COMMENT ON COLUMN refunds.reason IS 'Why';
COMMENT ON COLUMN refunds.amount_minor IS 'How much, in the minor unit of the payment''s currency';
COMMENT ON COLUMN refunds.note IS 'What whoever decided it wants to remember';
COMMENT ON COLUMN refunds.created_at IS 'When it was decided';
COMMENT ON COLUMN refunds.updated_at IS 'When the row was last changed';
CREATE OR REPLACE TRIGGER refunds_set_updated_at BEFORE UPDATE ON refunds
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
GRANT SELECT, INSERT, UPDATE ON refunds TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS refunds;
-- DROP TYPE IF EXISTS refund_reason;
