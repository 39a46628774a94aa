-- Migration: 010_add_signing_keys.sql
-- Description: Add the keys that sign JSON web tokens
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS jwks (
    id text NOT NULL,
    "publicKey" text NOT NULL,
    "privateKey" text NOT NULL,
    "createdAt" timestamptz NOT NULL,
    "expiresAt" timestamptz,
    alg text,
    crv text,
    CONSTRAINT jwks_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE jwks IS 'Keys that sign JSON web tokens; a handful of rows';
COMMENT ON COLUMN jwks.id IS 'Made by BetterAuth; the kid of the tokens';
COMMENT ON COLUMN jwks."publicKey" IS 'JSON web key that others check tokens with';
COMMENT ON COLUMN jwks."privateKey" IS 'The other half, encrypted with the application''s key';
COMMENT ON COLUMN jwks."createdAt" IS 'When it was made; the newest one signs';
COMMENT ON COLUMN jwks."expiresAt" IS 'Until when its tokens are accepted';
COMMENT ON COLUMN jwks.alg IS 'Algorithm: EdDSA unless configured';
COMMENT ON COLUMN jwks.crv IS 'Curve: Ed25519 unless configured';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS jwks;
