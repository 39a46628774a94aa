-- Migration: 001_initial_auth_schema.sql
-- Description: Create BetterAuth's core tables: user, session, account, verification
-- Author: Upskill platform team
-- Created: 2026-11-23

-- UP: Apply migration

-- Tables, columns and names are those of BetterAuth 1.7's own migrator, so that it finds nothing to
-- change: ids are text, and names in camel case have to be quoted.

CREATE TABLE IF NOT EXISTS "user" (
    id text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    "emailVerified" boolean NOT NULL,
    image text,
    "createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT user_pkey PRIMARY KEY (id),
    CONSTRAINT user_email_key UNIQUE (email)
);
COMMENT ON TABLE "user" IS 'One row per person who can sign in';

CREATE TABLE IF NOT EXISTS session (
    id text NOT NULL,
    "expiresAt" timestamptz NOT NULL,
    token text NOT NULL,
    "createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamptz NOT NULL,
    "ipAddress" text,
    "userAgent" text,
    "userId" text NOT NULL,
    CONSTRAINT session_pkey PRIMARY KEY (id),
    CONSTRAINT session_token_key UNIQUE (token),
    CONSTRAINT "session_userId_fkey" FOREIGN KEY ("userId") REFERENCES "user" (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "session_userId_idx" ON session ("userId");
COMMENT ON TABLE session IS 'Signed-in browsers and devices; looked up by token on every request';

CREATE TABLE IF NOT EXISTS account (
    id text NOT NULL,
    "accountId" text NOT NULL,
    "providerId" text NOT NULL,
    "userId" text NOT NULL,
    "accessToken" text,
    "refreshToken" text,
    "idToken" text,
    "accessTokenExpiresAt" timestamptz,
    "refreshTokenExpiresAt" timestamptz,
    scope text,
    password text,
    "createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamptz NOT NULL,
    CONSTRAINT account_pkey PRIMARY KEY (id),
    CONSTRAINT "account_userId_fkey" FOREIGN KEY ("userId") REFERENCES "user" (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "account_userId_idx" ON account ("userId");
COMMENT ON TABLE account IS 'Ways to sign in: a password, or an identity at another provider';
COMMENT ON COLUMN account.password IS 'Hash of the password; only where providerId is credential';

CREATE TABLE IF NOT EXISTS verification (
    id text NOT NULL,
    identifier text NOT NULL,
    value text NOT NULL,
    "expiresAt" timestamptz NOT NULL,
    "createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT verification_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS verification_identifier_idx ON verification (identifier);
COMMENT ON TABLE verification IS 'Short-lived tokens: e-mail verification, password reset';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS verification;
-- DROP TABLE IF EXISTS account;
-- DROP TABLE IF EXISTS session;
-- DROP TABLE IF EXISTS "user";
