-- Migration: 015_validate_roles.sql
-- Description: Check that every user has a role
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

ALTER TABLE "user" VALIDATE CONSTRAINT user_role_given;

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_role_given;
-- ALTER TABLE "user" ADD CONSTRAINT user_role_given
--     CHECK (role IS NOT NULL AND banned IS NOT NULL) NOT VALID;
