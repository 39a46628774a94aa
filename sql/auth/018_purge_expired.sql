-- Migration: 018_purge_expired.sql
-- Description: Delete what has expired, in small portions
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE OR REPLACE FUNCTION purge_expired(most integer DEFAULT 1000) RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    removed bigint := 0;
    count_of bigint;
BEGIN
    -- What somebody is about to use is left for the next time.
    DELETE FROM session WHERE id IN (
        SELECT id FROM session WHERE "expiresAt" < now() ORDER BY "expiresAt"
        LIMIT most FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS count_of = ROW_COUNT;
    removed := removed + count_of;
    DELETE FROM verification WHERE id IN (
        SELECT id FROM verification WHERE "expiresAt" < now() ORDER BY "expiresAt"
        LIMIT most FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS count_of = ROW_COUNT;
    removed := removed + count_of;
    DELETE FROM "rateLimit" WHERE id IN (
        SELECT id FROM "rateLimit"
        WHERE "lastRequest" < extract(epoch FROM now() - interval '1 day')::bigint * 1000
        ORDER BY "lastRequest" LIMIT most FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS count_of = ROW_COUNT;
    RETURN removed + count_of;
END $$;
COMMENT ON FUNCTION purge_expired(integer) IS
    'Deletes up to so many expired sessions, verifications and rate limits each; returns how many it was. For a job, every few minutes';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP FUNCTION IF EXISTS purge_expired(integer);
