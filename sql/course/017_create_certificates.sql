-- Migration: 017_create_certificates.sql
-- Description: Certify what learners have completed
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS certificates (
    id bigint GENERATED ALWAYS AS IDENTITY,
    enrollment_id bigint NOT NULL,
    code text NOT NULL,
    holder_name text NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    revoked_because text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT certificates_pkey PRIMARY KEY (id),
    CONSTRAINT certificates_code_key UNIQUE (code),
    CONSTRAINT certificates_enrollment_id_fkey
        FOREIGN KEY (enrollment_id) REFERENCES enrollments (id) ON DELETE RESTRICT,
    CONSTRAINT certificates_code_check CHECK (code ~ '^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$'),
    CONSTRAINT certificates_holder_name_check CHECK (btrim(holder_name) <> ''),
    CONSTRAINT certificates_revoked_check CHECK (num_nulls(revoked_at, revoked_because) IN (0, 2)),
    CONSTRAINT certificates_revoked_at_check CHECK (revoked_at >= issued_at)
);
CREATE INDEX IF NOT EXISTS certificates_enrollment_id_idx ON certificates (enrollment_id);
CREATE UNIQUE INDEX IF NOT EXISTS certificates_valid_key ON certificates (enrollment_id)
    WHERE revoked_at IS NULL;
COMMENT ON TABLE certificates IS
    'What a learner can show; one that is valid for each enrollment, and those that were revoked. The application issues it when the course is completed';
COMMENT ON COLUMN certificates.id IS 'Nobody outside sees it: see code';
COMMENT ON COLUMN certificates.enrollment_id IS 'Who, for which course';
COMMENT ON COLUMN certificates.code IS 'What somebody types who wants to verify it: 16 characters in fours';
COMMENT ON COLUMN certificates.holder_name IS 'As it was printed; a person''s name may change later';
COMMENT ON COLUMN certificates.issued_at IS 'The date that is printed';
COMMENT ON COLUMN certificates.revoked_at IS 'When it was taken back; NULL while it is valid';
COMMENT ON COLUMN certificates.revoked_because IS 'Why; NULL while it is valid';
COMMENT ON COLUMN certificates.created_at IS 'When the row was made';
COMMENT ON COLUMN certificates.updated_at IS 'When the row was last changed';
CREATE OR REPLACE TRIGGER certificates_set_updated_at BEFORE UPDATE ON certificates
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
-- No DELETE: what somebody has shown around can be revoked, not made never to have been.
GRANT SELECT, INSERT, UPDATE ON certificates TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS certificates;
