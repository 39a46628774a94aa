-- Migration: 021_validate_lessons.sql
-- Description: Check the lessons that were there before
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- Reads all rows, and lets others read and write meanwhile.
ALTER TABLE lessons VALIDATE CONSTRAINT lessons_kind_check;
ALTER TABLE lessons VALIDATE CONSTRAINT lessons_starts_at_check;

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE lessons
--     DROP CONSTRAINT IF EXISTS lessons_starts_at_check,
--     ADD CONSTRAINT lessons_starts_at_check CHECK (kind <> 'live' OR starts_at IS NOT NULL) NOT VALID;
-- ALTER TABLE lessons
--     DROP CONSTRAINT IF EXISTS lessons_kind_check,
--     ADD CONSTRAINT lessons_kind_check
--         CHECK (kind IN ('video', 'article', 'quiz', 'live')) NOT VALID;
