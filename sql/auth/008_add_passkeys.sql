-- Migration: 008_add_passkeys.sql
-- Description: Add passkeys
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS passkey (
    id text NOT NULL,
    name text,
    "publicKey" text NOT NULL,
    "userId" text NOT NULL,
    "credentialID" text NOT NULL,
    counter integer NOT NULL,
    "deviceType" text NOT NULL,
    "backedUp" boolean NOT NULL,
    transports text,
    "createdAt" timestamptz,
    aaguid text,
    CONSTRAINT passkey_pkey PRIMARY KEY (id),
    CONSTRAINT "passkey_userId_fkey" FOREIGN KEY ("userId") REFERENCES "user" (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "passkey_credentialID_idx" ON passkey ("credentialID");
CREATE INDEX IF NOT EXISTS "passkey_userId_idx" ON passkey ("userId");
COMMENT ON TABLE passkey IS 'Devices that sign in without a password (WebAuthn)';
COMMENT ON COLUMN passkey.id IS 'Made by BetterAuth';
COMMENT ON COLUMN passkey.name IS 'What the person calls the device';
COMMENT ON COLUMN passkey."publicKey" IS 'The device''s public key, in base 64';
COMMENT ON COLUMN passkey."userId" IS 'Whose';
COMMENT ON COLUMN passkey."credentialID" IS 'What the device calls the key; looked up when signing in';
COMMENT ON COLUMN passkey.counter IS 'How often it has signed; one that goes back shows a copy';
COMMENT ON COLUMN passkey."deviceType" IS 'singleDevice or multiDevice';
COMMENT ON COLUMN passkey."backedUp" IS 'Whether the key is also kept elsewhere, as by a password manager';
COMMENT ON COLUMN passkey.transports IS 'How the browser reaches it: usb, nfc, ble, internal, hybrid; separated by commas';
COMMENT ON COLUMN passkey."createdAt" IS 'When it was enrolled';
COMMENT ON COLUMN passkey.aaguid IS 'The model of the device';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS passkey;
