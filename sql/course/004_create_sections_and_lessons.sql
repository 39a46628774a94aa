-- Migration: 004_create_sections_and_lessons.sql
-- Description: Create the sections of a course and their lessons
-- Author: Upskill platform team
-- Created: 2026-11-23

-- UP: Apply migration

-- Positions are unique but checked at commit, so that two sections can change places in one
-- transaction without a detour over a number that nobody uses.

CREATE TABLE IF NOT EXISTS sections (
    id bigint GENERATED ALWAYS AS IDENTITY,
    course_id bigint NOT NULL,
    title text NOT NULL,
    position integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sections_pkey PRIMARY KEY (id),
    CONSTRAINT sections_course_id_position_key
        UNIQUE (course_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT sections_course_id_fkey
        FOREIGN KEY (course_id) REFERENCES courses (id) ON DELETE CASCADE,
    CONSTRAINT sections_title_check CHECK (btrim(title) <> ''),
    CONSTRAINT sections_position_check CHECK (position > 0)
);

COMMENT ON TABLE sections IS 'Parts of a course, each with its lessons';
COMMENT ON COLUMN sections.position IS 'Order within the course, from 1';

CREATE TABLE IF NOT EXISTS lessons (
    id bigint GENERATED ALWAYS AS IDENTITY,
    section_id bigint NOT NULL,
    title text NOT NULL,
    kind text NOT NULL DEFAULT 'video',
    position integer NOT NULL,
    duration_seconds integer NOT NULL DEFAULT 0,
    is_preview boolean NOT NULL DEFAULT false,
    content text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT lessons_pkey PRIMARY KEY (id),
    CONSTRAINT lessons_section_id_position_key
        UNIQUE (section_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT lessons_section_id_fkey
        FOREIGN KEY (section_id) REFERENCES sections (id) ON DELETE CASCADE,
    CONSTRAINT lessons_title_check CHECK (btrim(title) <> ''),
    CONSTRAINT lessons_kind_check CHECK (kind IN ('video', 'article', 'quiz')),
    CONSTRAINT lessons_position_check CHECK (position > 0),
    CONSTRAINT lessons_duration_seconds_check CHECK (duration_seconds >= 0)
);

COMMENT ON TABLE lessons IS 'What a learner watches, reads or answers';
COMMENT ON COLUMN lessons.position IS 'Order within the section, from 1';
COMMENT ON COLUMN lessons.is_preview IS 'Open to people who are not enrolled';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS lessons;
-- DROP TABLE IF EXISTS sections;
