-- Migration: 017_describe_core.sql
-- Description: Say what each of BetterAuth's first columns is
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

COMMENT ON COLUMN "user".id IS 'Made by BetterAuth; other tables and the course database refer to it';
COMMENT ON COLUMN "user".name IS 'As the person wants to be called';
COMMENT ON COLUMN "user".email IS 'In small letters; where messages go, and for signing in';
COMMENT ON COLUMN "user"."emailVerified" IS 'Whether the person has opened a link sent to it';
COMMENT ON COLUMN "user".image IS 'URL of a picture';
COMMENT ON COLUMN "user"."createdAt" IS 'When the person signed up';
COMMENT ON COLUMN "user"."updatedAt" IS 'When the row was last written';
COMMENT ON COLUMN session.id IS 'Made by BetterAuth';
COMMENT ON COLUMN session."expiresAt" IS 'Until when the browser is signed in; moved on while it is used';
COMMENT ON COLUMN session.token IS 'In the cookie, signed; looked up on every request';
COMMENT ON COLUMN session."createdAt" IS 'When the person signed in';
COMMENT ON COLUMN session."updatedAt" IS 'When expiresAt was last moved on';
COMMENT ON COLUMN session."ipAddress" IS 'Where from, as the proxy says';
COMMENT ON COLUMN session."userAgent" IS 'The browser, as it says itself';
COMMENT ON COLUMN session."userId" IS 'Who';
COMMENT ON COLUMN account.id IS 'Made by BetterAuth';
COMMENT ON COLUMN account."accountId" IS 'The person at the provider; with a password, the user''s own id';
COMMENT ON COLUMN account."providerId" IS 'credential for a password, otherwise google, github and so on';
COMMENT ON COLUMN account."userId" IS 'Whose';
COMMENT ON COLUMN account."accessToken" IS 'For calls to the provider; encrypted where the application is configured so';
COMMENT ON COLUMN account."refreshToken" IS 'For a new access token';
COMMENT ON COLUMN account."idToken" IS 'What the provider has said of the person, signed';
COMMENT ON COLUMN account."accessTokenExpiresAt" IS 'Until when accessToken is accepted';
COMMENT ON COLUMN account."refreshTokenExpiresAt" IS 'Until when refreshToken is accepted';
COMMENT ON COLUMN account.scope IS 'What the provider lets us do';
COMMENT ON COLUMN account."createdAt" IS 'When the person first signed in so';
COMMENT ON COLUMN account."updatedAt" IS 'When the row was last written';
COMMENT ON COLUMN verification.id IS 'Made by BetterAuth';
COMMENT ON COLUMN verification.identifier IS 'What is to be proven: an e-mail address, or a purpose and a token';
COMMENT ON COLUMN verification.value IS 'The secret, or what belongs to it';
COMMENT ON COLUMN verification."expiresAt" IS 'Until when it is accepted';
COMMENT ON COLUMN verification."createdAt" IS 'When it was sent';
COMMENT ON COLUMN verification."updatedAt" IS 'When the row was last written';

-- DOWN: Rollback migration (for use by rollback scripts)
-- COMMENT ON COLUMN verification."updatedAt" IS NULL;
-- COMMENT ON COLUMN verification."createdAt" IS NULL;
-- COMMENT ON COLUMN verification."expiresAt" IS NULL;
-- COMMENT ON COLUMN verification.value IS NULL;
-- COMMENT ON COLUMN verification.identifier IS NULL;
-- COMMENT ON COLUMN verification.id IS NULL;
-- COMMENT ON COLUMN account."updatedAt" IS NULL;
-- COMMENT ON COLUMN account."createdAt" IS NULL;
-- COMMENT ON COLUMN account.scope IS NULL;
-- COMMENT ON COLUMN account."refreshTokenExpiresAt" IS NULL;
-- COMMENT ON COLUMN account."accessTokenExpiresAt" IS NULL;
-- COMMENT ON COLUMN account."idToken" IS NULL;
-- COMMENT ON COLUMN account."refreshToken" IS NULL;
-- COMMENT ON COLUMN account."accessToken" IS NULL;
-- COMMENT ON COLUMN account."userId" IS NULL;
-- COMMENT ON COLUMN account."providerId" IS NULL;
-- COMMENT ON COLUMN account."accountId" IS NULL;
-- COMMENT ON COLUMN account.id IS NULL;
-- COMMENT ON COLUMN session."userId" IS NULL;
-- COMMENT ON COLUMN session."userAgent" IS NULL;
-- COMMENT ON COLUMN session."ipAddress" IS NULL;
-- COMMENT ON COLUMN session."updatedAt" IS NULL;
-- COMMENT ON COLUMN session."createdAt" IS NULL;
-- COMMENT ON COLUMN session.token IS NULL;
-- COMMENT ON COLUMN session."expiresAt" IS NULL;
-- COMMENT ON COLUMN session.id IS NULL;
-- COMMENT ON COLUMN "user"."updatedAt" IS NULL;
-- COMMENT ON COLUMN "user"."createdAt" IS NULL;
-- COMMENT ON COLUMN "user".image IS NULL;
-- COMMENT ON COLUMN "user"."emailVerified" IS NULL;
-- COMMENT ON COLUMN "user".email IS NULL;
-- COMMENT ON COLUMN "user".name IS NULL;
-- COMMENT ON COLUMN "user".id IS NULL;
