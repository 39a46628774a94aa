-- Migration: 016_require_roles.sql
-- Description: Require a role of every user
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- validate: ignore squawk-adding-not-nullable-field the validated CHECK spares it the scan
ALTER TABLE "user" ALTER COLUMN role SET NOT NULL;
-- validate: ignore squawk-adding-not-nullable-field as above
ALTER TABLE "user" ALTER COLUMN banned SET NOT NULL;

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE "user" ALTER COLUMN banned DROP NOT NULL;
-- ALTER TABLE "user" ALTER COLUMN role DROP NOT NULL;
