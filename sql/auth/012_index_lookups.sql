-- Migration: 012_index_lookups.sql
-- Description: Index what is looked up on every request, and what expires
-- Author: Upskill platform team
-- Created: 2026-11-30
-- Transaction: none

-- UP: Apply migration

-- BetterAuth's migrator asks for none of these, and does not notice them missing.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "account_providerId_accountId_key"
    ON account ("providerId", "accountId");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "session_expiresAt_idx" ON session ("expiresAt");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "verification_expiresAt_idx" ON verification ("expiresAt");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "rateLimit_lastRequest_idx" ON "rateLimit" ("lastRequest");

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP INDEX CONCURRENTLY IF EXISTS "rateLimit_lastRequest_idx";
-- DROP INDEX CONCURRENTLY IF EXISTS "verification_expiresAt_idx";
-- DROP INDEX CONCURRENTLY IF EXISTS "session_expiresAt_idx";
-- DROP INDEX CONCURRENTLY IF EXISTS "account_providerId_accountId_key";
