-- Migration: 009_create_reviews.sql
-- Description: Let learners review courses
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS reviews (
    course_id bigint NOT NULL,
    user_id text NOT NULL,
    stars smallint NOT NULL,
    body text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reviews_pkey PRIMARY KEY (course_id, user_id),
    CONSTRAINT reviews_course_id_fkey
        FOREIGN KEY (course_id) REFERENCES courses (id) ON DELETE CASCADE,
    CONSTRAINT reviews_stars_check CHECK (stars BETWEEN 1 AND 5)
);
CREATE INDEX IF NOT EXISTS reviews_user_id_idx ON reviews (user_id);
COMMENT ON TABLE reviews IS 'What learners think of a course: one review each';
COMMENT ON COLUMN reviews.course_id IS 'Of which course';
COMMENT ON COLUMN reviews.user_id IS 'The person''s id in the auth database; no foreign key can reach it';
COMMENT ON COLUMN reviews.stars IS 'From 1 to 5, the best';
COMMENT ON COLUMN reviews.body IS 'In words; empty where there are only stars';
COMMENT ON COLUMN reviews.created_at IS 'When it was first written';
COMMENT ON COLUMN reviews.updated_at IS 'When it was last changed';
CREATE OR REPLACE TRIGGER reviews_set_updated_at BEFORE UPDATE ON reviews
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS reviews;
