-- Migration: 020_add_live_lessons.sql
-- Description: Lessons can be live
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- NOT VALID: new rows are checked, the others are not read under this lock. 021 reads them.
ALTER TABLE lessons ADD COLUMN IF NOT EXISTS starts_at timestamptz;
-- validate: ignore squawk-ban-drop-constraint the same statement adds it with one value more
ALTER TABLE lessons
    DROP CONSTRAINT IF EXISTS lessons_kind_check,
    ADD CONSTRAINT lessons_kind_check
        CHECK (kind IN ('video', 'article', 'quiz', 'live')) NOT VALID;
-- validate: ignore squawk-ban-drop-constraint there is one only where this file ran before
ALTER TABLE lessons
    DROP CONSTRAINT IF EXISTS lessons_starts_at_check,
    ADD CONSTRAINT lessons_starts_at_check CHECK (kind <> 'live' OR starts_at IS NOT NULL) NOT VALID;
COMMENT ON COLUMN lessons.kind IS 'video, article, quiz or live';
COMMENT ON COLUMN lessons.starts_at IS 'When a live lesson begins; NULL for what is there at any time';

-- DOWN: Rollback migration (for use by rollback scripts)
-- UPDATE lessons SET kind = 'video' WHERE kind = 'live';
-- ALTER TABLE lessons
--     DROP CONSTRAINT IF EXISTS lessons_kind_check,
--     ADD CONSTRAINT lessons_kind_check CHECK (kind IN ('video', 'article', 'quiz'));
-- ALTER TABLE lessons DROP CONSTRAINT IF EXISTS lessons_starts_at_check;
-- ALTER TABLE lessons DROP COLUMN IF EXISTS starts_at;
-- COMMENT ON COLUMN lessons.kind IS 'video, article or quiz';
