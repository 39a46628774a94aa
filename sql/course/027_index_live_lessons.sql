-- Migration: 027_index_live_lessons.sql
-- Description: Find the live lessons that come next
-- Author: Upskill platform team
-- Created: 2026-11-30
-- Transaction: none

-- UP: Apply migration

-- Few lessons are live: the index has those alone.
CREATE INDEX CONCURRENTLY IF NOT EXISTS lessons_starts_at_idx ON lessons (starts_at)
    WHERE kind = 'live';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP INDEX CONCURRENTLY IF EXISTS lessons_starts_at_idx;
