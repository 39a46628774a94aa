-- Migration: 011_add_rate_limits.sql
-- Description: Keep rate limits in the database
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS "rateLimit" (
    id text NOT NULL,
    key text NOT NULL,
    count integer NOT NULL,
    "lastRequest" bigint NOT NULL,
    CONSTRAINT "rateLimit_pkey" PRIMARY KEY (id),
    CONSTRAINT "rateLimit_key_key" UNIQUE (key)
);
COMMENT ON TABLE "rateLimit" IS 'How often an address has called an endpoint lately, for all servers together';
COMMENT ON COLUMN "rateLimit".id IS 'Made by BetterAuth';
COMMENT ON COLUMN "rateLimit".key IS 'Address and endpoint';
COMMENT ON COLUMN "rateLimit".count IS 'Calls in the window that lastRequest is in';
COMMENT ON COLUMN "rateLimit"."lastRequest" IS 'Milliseconds since 1970: BetterAuth keeps it so';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS "rateLimit";
