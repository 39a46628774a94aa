-- Migration: 016_require_roles.sql
-- Description: Require a role of every user
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- validate: ignore squawk-adding-not-nullable-field the validated CHECK spares it the scan
ALTER TABLE "user" ALTER COLUMN role SET NOT NULL;
-- validate: ignore squawk-adding-not-nullable-field as above
ALTER TABLE "user" ALTER COLUMN banned SET NOT NULL;
-- validate: ignore squawk-ban-drop-constraint NOT NULL says the same now
ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_role_given;

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_role_given;
-- ALTER TABLE "user" ADD CONSTRAINT user_role_given
--     CHECK (role IS NOT NULL AND banned IS NOT NULL) NOT VALID;
-- ALTER TABLE "user" VALIDATE CONSTRAINT user_role_given;
-- ALTER TABLE "user" ALTER COLUMN banned DROP NOT NULL;
-- ALTER TABLE "user" ALTER COLUMN role DROP NOT NULL;
