-- Migration: 005_add_administration.sql
-- Description: Add roles, bans and impersonation by administrators
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

ALTER TABLE "user" ADD COLUMN IF NOT EXISTS role text;
ALTER TABLE "user" ADD COLUMN IF NOT EXISTS banned boolean;
ALTER TABLE "user" ADD COLUMN IF NOT EXISTS "banReason" text;
ALTER TABLE "user" ADD COLUMN IF NOT EXISTS "banExpires" timestamptz;
COMMENT ON COLUMN "user".role IS 'user or admin; several are separated by commas';
COMMENT ON COLUMN "user".banned IS 'Whether the person can no longer sign in';
COMMENT ON COLUMN "user"."banReason" IS 'Why, for administrators';
COMMENT ON COLUMN "user"."banExpires" IS 'Until when; none where it does not end by itself';
ALTER TABLE session ADD COLUMN IF NOT EXISTS "impersonatedBy" text;
COMMENT ON COLUMN session."impersonatedBy" IS 'The administrator who sees the site as this person; no foreign key in BetterAuth';

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE session DROP COLUMN IF EXISTS "impersonatedBy";
-- ALTER TABLE "user" DROP COLUMN IF EXISTS "banExpires";
-- ALTER TABLE "user" DROP COLUMN IF EXISTS "banReason";
-- ALTER TABLE "user" DROP COLUMN IF EXISTS banned;
-- ALTER TABLE "user" DROP COLUMN IF EXISTS role;
