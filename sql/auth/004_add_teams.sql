-- Migration: 004_add_teams.sql
-- Description: Add teams within organizations
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS team (
    id text NOT NULL,
    name text NOT NULL,
    "memberCount" integer NOT NULL,
    "organizationId" text NOT NULL,
    "createdAt" timestamptz NOT NULL,
    "updatedAt" timestamptz,
    CONSTRAINT team_pkey PRIMARY KEY (id),
    CONSTRAINT "team_organizationId_fkey"
        FOREIGN KEY ("organizationId") REFERENCES organization (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "team_organizationId_idx" ON team ("organizationId");
COMMENT ON TABLE team IS 'Groups of members of an organization';
COMMENT ON COLUMN team.id IS 'Made by BetterAuth';
COMMENT ON COLUMN team.name IS 'As people write it';
COMMENT ON COLUMN team."memberCount" IS 'How many rows it has in teamMember, counted by BetterAuth';
COMMENT ON COLUMN team."organizationId" IS 'Whose';
COMMENT ON COLUMN team."createdAt" IS 'When it was founded';
COMMENT ON COLUMN team."updatedAt" IS 'When it was last renamed';

CREATE TABLE IF NOT EXISTS "teamMember" (
    id text NOT NULL,
    "teamId" text NOT NULL,
    "userId" text NOT NULL,
    "membershipKey" text,
    "createdAt" timestamptz,
    CONSTRAINT "teamMember_pkey" PRIMARY KEY (id),
    CONSTRAINT "teamMember_membershipKey_key" UNIQUE ("membershipKey"),
    CONSTRAINT "teamMember_teamId_fkey" FOREIGN KEY ("teamId") REFERENCES team (id) ON DELETE CASCADE,
    CONSTRAINT "teamMember_userId_fkey" FOREIGN KEY ("userId") REFERENCES "user" (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "teamMember_teamId_idx" ON "teamMember" ("teamId");
CREATE INDEX IF NOT EXISTS "teamMember_userId_idx" ON "teamMember" ("userId");
COMMENT ON TABLE "teamMember" IS 'Who belongs to which team';
COMMENT ON COLUMN "teamMember".id IS 'Made by BetterAuth';
COMMENT ON COLUMN "teamMember"."teamId" IS 'Where';
COMMENT ON COLUMN "teamMember"."userId" IS 'Who';
COMMENT ON COLUMN "teamMember"."membershipKey" IS 'Team and user in one text, so that nobody is in a team twice';
COMMENT ON COLUMN "teamMember"."createdAt" IS 'When the person joined';

ALTER TABLE invitation ADD COLUMN IF NOT EXISTS "teamId" text;
COMMENT ON COLUMN invitation."teamId" IS 'The team that the new member joins at once, if any; several are separated by commas';
ALTER TABLE session ADD COLUMN IF NOT EXISTS "activeTeamId" text;
COMMENT ON COLUMN session."activeTeamId" IS 'The team that the person works in now; no foreign key in BetterAuth';

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER TABLE session DROP COLUMN IF EXISTS "activeTeamId";
-- ALTER TABLE invitation DROP COLUMN IF EXISTS "teamId";
-- DROP TABLE IF EXISTS "teamMember";
-- DROP TABLE IF EXISTS team;
