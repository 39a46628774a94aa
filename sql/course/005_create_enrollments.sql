-- Migration: 005_create_enrollments.sql
-- Description: Create the enrollments of learners in courses
-- Author: Upskill platform team
-- Created: 2026-11-23

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS enrollments (
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id text NOT NULL,
    course_id bigint NOT NULL,
    status text NOT NULL DEFAULT 'active',
    enrolled_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT enrollments_pkey PRIMARY KEY (id),
    CONSTRAINT enrollments_user_id_course_id_key UNIQUE (user_id, course_id),
    CONSTRAINT enrollments_course_id_fkey
        FOREIGN KEY (course_id) REFERENCES courses (id) ON DELETE RESTRICT,
    CONSTRAINT enrollments_status_check
        CHECK (status IN ('active', 'completed', 'refunded', 'expired')),
    CONSTRAINT enrollments_completed_at_check
        CHECK (status <> 'completed' OR completed_at IS NOT NULL),
    CONSTRAINT enrollments_completed_after_enrolled_check CHECK (completed_at >= enrolled_at)
);

-- "My courses" is served by the unique key; this one serves a course's learners, by status.
CREATE INDEX IF NOT EXISTS enrollments_course_id_status_idx ON enrollments (course_id, status);

COMMENT ON TABLE enrollments IS 'Which learner is in which course';
COMMENT ON COLUMN enrollments.user_id IS 'The person''s id in the auth database; no foreign key can reach it';
COMMENT ON COLUMN enrollments.completed_at IS 'First completion; stays when the status changes later';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS enrollments;
