-- Migration: 019_add_refund_reason.sql
-- Description: A course that is withdrawn is a reason to give money back
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- By itself: what is added cannot be used in the same transaction.
ALTER TYPE refund_reason ADD VALUE IF NOT EXISTS 'course_withdrawn' BEFORE 'other';

-- DOWN: Rollback migration (for use by rollback scripts)
-- -- A value cannot be taken away, but the type can be made anew. The column is written again under
-- -- a lock: a moment with the rows that refunds have.
-- DO $$
-- BEGIN
--     CREATE TYPE refund_reason_before AS ENUM ('changed_mind', 'duplicate', 'fraud', 'other');
--     ALTER TABLE refunds ALTER COLUMN reason TYPE refund_reason_before USING (
--         CASE reason::text WHEN 'course_withdrawn' THEN 'other' ELSE reason::text END
--     )::refund_reason_before;
--     DROP TYPE refund_reason;
--     ALTER TYPE refund_reason_before RENAME TO refund_reason;
--     COMMENT ON TYPE refund_reason IS 'Why money was given back: what accounting counts by';
-- END $$;
