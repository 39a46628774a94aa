-- Migration: 009_add_api_keys.sql
-- Description: Add API keys
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS apikey (
    id text NOT NULL,
    "configId" text NOT NULL,
    name text,
    start text,
    "referenceId" text NOT NULL,
    prefix text,
    key text NOT NULL,
    "refillInterval" integer,
    "refillAmount" integer,
    "lastRefillAt" timestamptz,
    enabled boolean,
    "rateLimitEnabled" boolean,
    "rateLimitTimeWindow" integer,
    "rateLimitMax" integer,
    "requestCount" integer,
    remaining integer,
    "lastRequest" timestamptz,
    "expiresAt" timestamptz,
    "createdAt" timestamptz NOT NULL,
    "updatedAt" timestamptz NOT NULL,
    permissions text,
    metadata text,
    CONSTRAINT apikey_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS "apikey_configId_idx" ON apikey ("configId");
CREATE INDEX IF NOT EXISTS apikey_key_idx ON apikey (key);
CREATE INDEX IF NOT EXISTS "apikey_referenceId_idx" ON apikey ("referenceId");
COMMENT ON TABLE apikey IS 'Keys for programs';
COMMENT ON COLUMN apikey.id IS 'Made by BetterAuth';
COMMENT ON COLUMN apikey."configId" IS 'Which of the application''s kinds of keys it is';
COMMENT ON COLUMN apikey.name IS 'What its owner calls it';
COMMENT ON COLUMN apikey.start IS 'Its first characters, by which its owner knows it';
COMMENT ON COLUMN apikey."referenceId" IS 'Whose: a user or an organization, by configId; so there is no foreign key';
COMMENT ON COLUMN apikey.prefix IS 'What the key begins with, in plain text';
COMMENT ON COLUMN apikey.key IS 'Hash of the key; looked up on every request';
COMMENT ON COLUMN apikey."refillInterval" IS 'Milliseconds after which remaining is filled up again';
COMMENT ON COLUMN apikey."refillAmount" IS 'What it is filled up to';
COMMENT ON COLUMN apikey."lastRefillAt" IS 'When it was';
COMMENT ON COLUMN apikey.enabled IS 'Whether it is accepted';
COMMENT ON COLUMN apikey."rateLimitEnabled" IS 'Whether its requests are counted';
COMMENT ON COLUMN apikey."rateLimitTimeWindow" IS 'Milliseconds in which they are';
COMMENT ON COLUMN apikey."rateLimitMax" IS 'How many are accepted in that time';
COMMENT ON COLUMN apikey."requestCount" IS 'How many there were';
COMMENT ON COLUMN apikey.remaining IS 'How many are left; none where there is no such limit';
COMMENT ON COLUMN apikey."lastRequest" IS 'When it was last used';
COMMENT ON COLUMN apikey."expiresAt" IS 'Until when it is accepted';
COMMENT ON COLUMN apikey."createdAt" IS 'When it was made';
COMMENT ON COLUMN apikey."updatedAt" IS 'When the row was last written';
COMMENT ON COLUMN apikey.permissions IS 'What it may do: JSON as text';
COMMENT ON COLUMN apikey.metadata IS 'JSON of the application''s own, as text';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS apikey;
