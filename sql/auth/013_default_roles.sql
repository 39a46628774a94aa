-- Migration: 013_default_roles.sql
-- Description: Give new users a role and no ban
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

ALTER TABLE "user" ALTER COLUMN role SET DEFAULT 'user';
ALTER TABLE "user" ALTER COLUMN banned SET DEFAULT false;
ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_role_given;
ALTER TABLE "user" ADD CONSTRAINT user_role_given
    CHECK (role IS NOT NULL AND banned IS NOT NULL) NOT VALID;

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_role_given;
-- ALTER TABLE "user" ALTER COLUMN banned DROP DEFAULT;
-- ALTER TABLE "user" ALTER COLUMN role DROP DEFAULT;
