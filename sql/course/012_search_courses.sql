-- Migration: 012_search_courses.sql
-- Description: Search the catalogue by words
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- The table is written anew under a lock that keeps readers out: a moment with the rows that a
-- catalogue has. A trigger and a backfill in batches would avoid that, and the trigger would stay.
-- validate: ignore squawk-adding-field-with-default the catalogue is small
ALTER TABLE courses ADD COLUMN IF NOT EXISTS search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector(
        CASE left(language, 2) WHEN 'en' THEN 'english'::regconfig WHEN 'de' THEN 'german'::regconfig
            WHEN 'fr' THEN 'french'::regconfig WHEN 'es' THEN 'spanish'::regconfig
            ELSE 'simple'::regconfig END, title), 'A')
    || setweight(to_tsvector(
        CASE left(language, 2) WHEN 'en' THEN 'english'::regconfig WHEN 'de' THEN 'german'::regconfig
            WHEN 'fr' THEN 'french'::regconfig WHEN 'es' THEN 'spanish'::regconfig
            ELSE 'simple'::regconfig END, summary || ' ' || description), 'B')
) STORED;
COMMENT ON COLUMN courses.search IS
    'The words of title (weight A), summary and description (B), as the course''s language has them';
CREATE OR REPLACE TRIGGER courses_set_updated_at BEFORE UPDATE ON courses
    FOR EACH ROW EXECUTE FUNCTION set_updated_at('search');

-- DOWN: Rollback migration (for use by rollback scripts)
-- CREATE OR REPLACE TRIGGER courses_set_updated_at BEFORE UPDATE ON courses
--     FOR EACH ROW EXECUTE FUNCTION set_updated_at();
-- ALTER TABLE courses DROP COLUMN IF EXISTS search;
