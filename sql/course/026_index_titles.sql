-- Migration: 026_index_titles.sql
-- Description: Find courses by parts of their titles
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- Where the server has pg_trgm, and whoever migrates may create it: the search works without it, and
-- reads all titles then. CONCURRENTLY is not possible in DO; a catalogue's titles take a moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        RAISE NOTICE 'the server has no pg_trgm: parts of titles are sought without an index';
        RETURN;
    END IF;
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX IF NOT EXISTS courses_title_trgm_idx ON courses
        USING gin (title gin_trgm_ops) WITH (fastupdate = off) WHERE status = 'published';
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pg_trgm may not be created: parts of titles are sought without an index';
END $$;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP INDEX IF EXISTS courses_title_trgm_idx;
-- -- Without CASCADE: it stays, with an error, where something else has come to use it.
-- DROP EXTENSION IF EXISTS pg_trgm;
