-- Migration: 019_grant_application.sql
-- Description: Let the application read and write, and no more
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- The role is the server's, not the database's: where whoever migrates may not create it, an
-- administrator does, once: CREATE ROLE upskill_auth_app NOLOGIN. Its login is GRANTed the role.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upskill_auth_app') THEN
        CREATE ROLE upskill_auth_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- the other database's run was faster
END $$;
GRANT USAGE ON SCHEMA public TO upskill_auth_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    "user", session, account, verification, "twoFactor", organization, member, invitation, team,
    "teamMember", passkey, apikey, jwks, "rateLimit"
    TO upskill_auth_app;
REVOKE EXECUTE ON FUNCTION purge_expired(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_expired(integer) TO upskill_auth_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- GRANT EXECUTE ON FUNCTION purge_expired(integer) TO PUBLIC;
-- REVOKE EXECUTE ON FUNCTION purge_expired(integer) FROM upskill_auth_app;
-- REVOKE SELECT, INSERT, UPDATE, DELETE ON
--     "user", session, account, verification, "twoFactor", organization, member, invitation, team,
--     "teamMember", passkey, apikey, jwks, "rateLimit"
--     FROM upskill_auth_app;
-- REVOKE USAGE ON SCHEMA public FROM upskill_auth_app;
