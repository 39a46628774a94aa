-- Migration: 026_index_titles.sql
-- Description: Find courses by parts of their titles
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- Where the server has pg_trgm, and whoever migrates may create it: the search works without it, and
-- reads all titles then. CONCURRENTLY is not possible in DO; a catalogue's titles take a moment.
DO $$
DECLARE
    place name;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        RAISE NOTICE 'the server has no pg_trgm: parts of titles are sought without an index';
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CREATE EXTENSION pg_trgm;
        -- By this DOWN knows what it may take away.
        COMMENT ON EXTENSION pg_trgm IS 'For parts of titles: made by migration 026';
    END IF;
    -- Somebody may have put it into a schema of its own.
    SELECT nspname INTO STRICT place FROM pg_extension
        JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm';
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS courses_title_trgm_idx ON courses
            USING gin (title %I.gin_trgm_ops) WITH (fastupdate = off) WHERE status = %L',
        place, 'published'
    );
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pg_trgm may not be used: parts of titles are sought without an index';
END $$;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP INDEX IF EXISTS courses_title_trgm_idx;
-- DO $$
-- BEGIN
--     IF EXISTS (
--         SELECT FROM pg_extension WHERE extname = 'pg_trgm'
--         AND obj_description(oid, 'pg_extension') = 'For parts of titles: made by migration 026'
--     ) THEN
--         DROP EXTENSION pg_trgm;
--     END IF;
-- EXCEPTION WHEN insufficient_privilege OR dependent_objects_still_exist THEN
--     RAISE NOTICE 'pg_trgm stays: somebody else owns it, or uses it';
-- END $$;
