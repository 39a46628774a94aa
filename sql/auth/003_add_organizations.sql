-- Migration: 003_add_organizations.sql
-- Description: Add organizations with members and invitations
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS organization (
    id text NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    logo text,
    "createdAt" timestamptz NOT NULL,
    metadata text,
    CONSTRAINT organization_pkey PRIMARY KEY (id),
    CONSTRAINT organization_slug_key UNIQUE (slug)
);
COMMENT ON TABLE organization IS 'Companies and schools whose people learn together';
COMMENT ON COLUMN organization.id IS 'Made by BetterAuth';
COMMENT ON COLUMN organization.name IS 'As people write it';
COMMENT ON COLUMN organization.slug IS 'The organization in URLs';
COMMENT ON COLUMN organization.logo IS 'URL of its picture';
COMMENT ON COLUMN organization."createdAt" IS 'When somebody founded it here';
COMMENT ON COLUMN organization.metadata IS 'JSON of the application''s own, as text: BetterAuth stores it so';

CREATE TABLE IF NOT EXISTS member (
    id text NOT NULL,
    "organizationId" text NOT NULL,
    "userId" text NOT NULL,
    role text NOT NULL,
    "createdAt" timestamptz NOT NULL,
    CONSTRAINT member_pkey PRIMARY KEY (id),
    CONSTRAINT "member_organizationId_fkey"
        FOREIGN KEY ("organizationId") REFERENCES organization (id) ON DELETE CASCADE,
    CONSTRAINT "member_userId_fkey" FOREIGN KEY ("userId") REFERENCES "user" (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "member_organizationId_idx" ON member ("organizationId");
CREATE INDEX IF NOT EXISTS "member_userId_idx" ON member ("userId");
COMMENT ON TABLE member IS 'Who belongs to which organization';
COMMENT ON COLUMN member.id IS 'Made by BetterAuth';
COMMENT ON COLUMN member."organizationId" IS 'Where';
COMMENT ON COLUMN member."userId" IS 'Who';
COMMENT ON COLUMN member.role IS 'owner, admin or member; several are separated by commas';
COMMENT ON COLUMN member."createdAt" IS 'When the person joined';

CREATE TABLE IF NOT EXISTS invitation (
    id text NOT NULL,
    "organizationId" text NOT NULL,
    email text NOT NULL,
    role text,
    status text NOT NULL,
    "expiresAt" timestamptz NOT NULL,
    "createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "inviterId" text NOT NULL,
    CONSTRAINT invitation_pkey PRIMARY KEY (id),
    CONSTRAINT "invitation_organizationId_fkey"
        FOREIGN KEY ("organizationId") REFERENCES organization (id) ON DELETE CASCADE,
    CONSTRAINT "invitation_inviterId_fkey"
        FOREIGN KEY ("inviterId") REFERENCES "user" (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS invitation_email_idx ON invitation (email);
CREATE INDEX IF NOT EXISTS "invitation_organizationId_idx" ON invitation ("organizationId");
-- BetterAuth has none; without it the deletion of a person reads the whole table.
CREATE INDEX IF NOT EXISTS "invitation_inviterId_idx" ON invitation ("inviterId");
COMMENT ON TABLE invitation IS 'Invitations to an organization, sent by e-mail';
COMMENT ON COLUMN invitation.id IS 'Made by BetterAuth; part of the link in the e-mail';
COMMENT ON COLUMN invitation."organizationId" IS 'Where to';
COMMENT ON COLUMN invitation.email IS 'Whom, in small letters; there may be no user yet';
COMMENT ON COLUMN invitation.role IS 'The role that the new member gets';
COMMENT ON COLUMN invitation.status IS 'pending, accepted, rejected or canceled';
COMMENT ON COLUMN invitation."expiresAt" IS 'Until when it can be accepted';
COMMENT ON COLUMN invitation."createdAt" IS 'When it was sent';
COMMENT ON COLUMN invitation."inviterId" IS 'Who has sent it';

ALTER TABLE session ADD COLUMN IF NOT EXISTS "activeOrganizationId" text;
COMMENT ON COLUMN session."activeOrganizationId" IS 'The organization that the person works in now; no foreign key in BetterAuth';

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE session DROP COLUMN IF EXISTS "activeOrganizationId";
-- DROP TABLE IF EXISTS invitation;
-- DROP TABLE IF EXISTS member;
-- DROP TABLE IF EXISTS organization;
