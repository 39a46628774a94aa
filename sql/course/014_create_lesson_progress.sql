-- Migration: 014_create_lesson_progress.sql
-- Description: Remember how far a learner has come in each lesson
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS lesson_progress (
    user_id text NOT NULL,
    lesson_id bigint NOT NULL,
    seconds_watched integer NOT NULL DEFAULT 0,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT lesson_progress_pkey PRIMARY KEY (user_id, lesson_id),
    CONSTRAINT lesson_progress_lesson_id_fkey
        FOREIGN KEY (lesson_id) REFERENCES lessons (id) ON DELETE CASCADE,
    CONSTRAINT lesson_progress_seconds_watched_check CHECK (seconds_watched >= 0)
);
CREATE INDEX IF NOT EXISTS lesson_progress_lesson_id_idx ON lesson_progress (lesson_id);
COMMENT ON TABLE lesson_progress IS
    'How far learners are; the application sees the rows of the user that app.user_id names';
COMMENT ON COLUMN lesson_progress.user_id IS
    'The person''s id in the auth database; no foreign key can reach it';
COMMENT ON COLUMN lesson_progress.lesson_id IS 'In which lesson';
COMMENT ON COLUMN lesson_progress.seconds_watched IS 'The furthest point that was reached';
COMMENT ON COLUMN lesson_progress.completed_at IS 'When it was done for the first time; NULL until then';
COMMENT ON COLUMN lesson_progress.created_at IS 'When it was begun';
COMMENT ON COLUMN lesson_progress.updated_at IS 'When the row was last changed';
CREATE OR REPLACE TRIGGER lesson_progress_set_updated_at BEFORE UPDATE ON lesson_progress
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- Without app.user_id nobody is anybody: no rows. A transaction sets it with
-- set_config('app.user_id', ..., true), which a pooler cannot leak into the next one.
-- Whoever migrates owns the table and sees all.
ALTER TABLE lesson_progress ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS lesson_progress_own_rows ON lesson_progress;
CREATE POLICY lesson_progress_own_rows ON lesson_progress TO upskill_course_app
    USING (user_id = (SELECT current_setting('app.user_id', true)));
GRANT SELECT, INSERT, UPDATE, DELETE ON lesson_progress TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS lesson_progress;
