-- Migration: 008_redeem_coupons.sql
-- Description: Redeem a coupon, the last one once
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE OR REPLACE FUNCTION redeem_coupon(wanted text) RETURNS bigint
LANGUAGE sql SET search_path = public, pg_temp AS $$
    -- Of two at once the second waits for the first, and then sees what it has left.
    UPDATE coupons SET redemptions = redemptions + 1
    WHERE code = upper(btrim(wanted))
        AND valid_from <= now() AND (valid_until IS NULL OR valid_until > now())
        AND (max_redemptions IS NULL OR redemptions < max_redemptions)
    RETURNING id
$$;
COMMENT ON FUNCTION redeem_coupon(text) IS
    'Counts a redemption and returns the coupon; NULL where it is unknown, over, or used up';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP FUNCTION IF EXISTS redeem_coupon(text);
