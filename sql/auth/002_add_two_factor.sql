-- Migration: 002_add_two_factor.sql
-- Description: Add two-factor authentication
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- As everywhere here, names and types are those of BetterAuth's own migrator.
ALTER TABLE "user" ADD COLUMN IF NOT EXISTS "twoFactorEnabled" boolean;
COMMENT ON COLUMN "user"."twoFactorEnabled" IS 'Whether a second factor is asked for when signing in';

CREATE TABLE IF NOT EXISTS "twoFactor" (
    id text NOT NULL,
    secret text NOT NULL,
    "backupCodes" text NOT NULL,
    "userId" text NOT NULL,
    verified boolean,
    "failedVerificationCount" integer,
    "lockedUntil" timestamptz,
    CONSTRAINT "twoFactor_pkey" PRIMARY KEY (id),
    CONSTRAINT "twoFactor_userId_fkey" FOREIGN KEY ("userId") REFERENCES "user" (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "twoFactor_secret_idx" ON "twoFactor" (secret);
CREATE INDEX IF NOT EXISTS "twoFactor_userId_idx" ON "twoFactor" ("userId");
COMMENT ON TABLE "twoFactor" IS 'Second factors: one row per person who has enrolled one';
COMMENT ON COLUMN "twoFactor".id IS 'Made by BetterAuth';
COMMENT ON COLUMN "twoFactor".secret IS 'Secret of the authenticator app, encrypted with the application''s key';
COMMENT ON COLUMN "twoFactor"."backupCodes" IS 'Codes for a lost device, encrypted; a used one is taken out';
COMMENT ON COLUMN "twoFactor"."userId" IS 'Whose';
COMMENT ON COLUMN "twoFactor".verified IS 'Whether a first code has been entered; until then it is not asked for';
COMMENT ON COLUMN "twoFactor"."failedVerificationCount" IS 'Wrong codes in a row';
COMMENT ON COLUMN "twoFactor"."lockedUntil" IS 'No code is taken before that, after too many wrong ones';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS "twoFactor";
-- ALTER TABLE "user" DROP COLUMN IF EXISTS "twoFactorEnabled";
