-- Migration: 007_index_usernames.sql
-- Description: Make user names unique
-- Author: Upskill platform team
-- Created: 2026-11-30
-- Transaction: none

-- UP: Apply migration

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS user_username_key ON "user" (username);

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP INDEX CONCURRENTLY IF EXISTS user_username_key;
