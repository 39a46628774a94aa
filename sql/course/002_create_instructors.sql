-- Migration: 002_create_instructors.sql
-- Description: Create the instructors and what they teach
-- Author: Upskill platform team
-- Created: 2026-11-23

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS instructors (
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id text NOT NULL,
    display_name text NOT NULL,
    headline text NOT NULL DEFAULT '',
    biography text NOT NULL DEFAULT '',
    website_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT instructors_pkey PRIMARY KEY (id),
    CONSTRAINT instructors_user_id_key UNIQUE (user_id),
    CONSTRAINT instructors_display_name_check CHECK (btrim(display_name) <> ''),
    CONSTRAINT instructors_website_url_check CHECK (website_url ~ '^https?://')
);

COMMENT ON TABLE instructors IS 'Public profiles of the people who teach';
COMMENT ON COLUMN instructors.user_id IS 'The person''s id in the auth database; no foreign key can reach it';

CREATE TABLE IF NOT EXISTS course_instructors (
    course_id bigint NOT NULL,
    instructor_id bigint NOT NULL,
    role text NOT NULL DEFAULT 'lead',
    position integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT course_instructors_pkey PRIMARY KEY (course_id, instructor_id),
    CONSTRAINT course_instructors_course_id_fkey
        FOREIGN KEY (course_id) REFERENCES courses (id) ON DELETE CASCADE,
    CONSTRAINT course_instructors_instructor_id_fkey
        FOREIGN KEY (instructor_id) REFERENCES instructors (id) ON DELETE RESTRICT,
    CONSTRAINT course_instructors_role_check CHECK (role IN ('lead', 'assistant', 'guest')),
    CONSTRAINT course_instructors_position_check CHECK (position > 0)
);

-- The primary key serves look-ups by course; this one those by instructor.
CREATE INDEX IF NOT EXISTS course_instructors_instructor_id_idx ON course_instructors (instructor_id);

COMMENT ON TABLE course_instructors IS 'Who teaches which course';
COMMENT ON COLUMN course_instructors.position IS 'Order on the course page, from 1';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS course_instructors;
-- DROP TABLE IF EXISTS instructors;
