-- Migration: 014_fill_roles.sql
-- Description: Give the users that there are a role and no ban
-- Author: Upskill platform team
-- Created: 2026-11-30
-- Transaction: none

-- UP: Apply migration

-- In batches that are committed one by one: nobody waits for more than one of them.
DO $$
DECLARE
    above text := '';
    last text;
BEGIN
    LOOP
        SELECT max(id) INTO last FROM (
            SELECT id FROM "user" WHERE id > above ORDER BY id LIMIT 2000
        ) batch;
        EXIT WHEN last IS NULL;
        UPDATE "user" SET role = coalesce(role, 'user'), banned = coalesce(banned, false)
            WHERE id > above AND id <= last AND (role IS NULL OR banned IS NULL);
        COMMIT;
        above := last;
    END LOOP;
END $$;

-- DOWN: Rollback migration (for use by rollback scripts)
-- SELECT 'what was filled in stays: nobody knows which rows had nothing';
