-- Migration: 006_add_usernames.sql
-- Description: Let people sign in by a name of their own
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

ALTER TABLE "user" ADD COLUMN IF NOT EXISTS username text;
ALTER TABLE "user" ADD COLUMN IF NOT EXISTS "displayUsername" text;
COMMENT ON COLUMN "user".username IS 'In small letters, for signing in';
COMMENT ON COLUMN "user"."displayUsername" IS 'As the person has written it';

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE "user" DROP COLUMN IF EXISTS "displayUsername";
-- ALTER TABLE "user" DROP COLUMN IF EXISTS username;
