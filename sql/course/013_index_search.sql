-- Migration: 013_index_search.sql
-- Description: Find courses by their words without reading all
-- Author: Upskill platform team
-- Created: 2026-11-30
-- Transaction: none

-- UP: Apply migration

-- A catalogue is read far more often than it is written: no search looks through a pending list.
CREATE INDEX CONCURRENTLY IF NOT EXISTS courses_search_idx ON courses USING gin (search)
    WITH (fastupdate = off) WHERE status = 'published';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP INDEX CONCURRENTLY IF EXISTS courses_search_idx;
