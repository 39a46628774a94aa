-- Migration: 016_create_quiz_attempts.sql
-- Description: Keep what learners answered
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS quiz_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    quiz_id bigint NOT NULL,
    user_id text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    submitted_at timestamptz,
    points integer,
    of_points integer,
    passed boolean,
    CONSTRAINT quiz_attempts_pkey PRIMARY KEY (id),
    -- For the foreign key of an answer, which names both.
    CONSTRAINT quiz_attempts_quiz_id_id_key UNIQUE (quiz_id, id),
    CONSTRAINT quiz_attempts_quiz_id_fkey
        FOREIGN KEY (quiz_id) REFERENCES quizzes (id) ON DELETE RESTRICT,
    CONSTRAINT quiz_attempts_submitted_check
        CHECK (num_nulls(submitted_at, points, of_points, passed) IN (0, 4)),
    CONSTRAINT quiz_attempts_submitted_at_check CHECK (submitted_at >= started_at),
    CONSTRAINT quiz_attempts_points_check CHECK (points BETWEEN 0 AND of_points)
);
-- A second tab goes on with the attempt of the first one.
CREATE UNIQUE INDEX IF NOT EXISTS quiz_attempts_open_key ON quiz_attempts (user_id, quiz_id)
    WHERE submitted_at IS NULL;
CREATE INDEX IF NOT EXISTS quiz_attempts_user_id_quiz_id_idx
    ON quiz_attempts (user_id, quiz_id, started_at);
COMMENT ON TABLE quiz_attempts IS
    'Each time that a learner answers a quiz; the application sees the rows of the user that app.user_id names';
COMMENT ON COLUMN quiz_attempts.id IS 'Nobody outside sees it';
COMMENT ON COLUMN quiz_attempts.quiz_id IS 'Which quiz';
COMMENT ON COLUMN quiz_attempts.user_id IS
    'The person''s id in the auth database; no foreign key can reach it';
COMMENT ON COLUMN quiz_attempts.started_at IS 'When the first question was shown';
COMMENT ON COLUMN quiz_attempts.submitted_at IS 'When it was handed in; NULL while it is open';
COMMENT ON COLUMN quiz_attempts.points IS 'What the answers were worth; NULL while it is open';
COMMENT ON COLUMN quiz_attempts.of_points IS 'What all right answers were worth then; NULL while it is open';
COMMENT ON COLUMN quiz_attempts.passed IS 'By the quiz''s pass_percent of then; NULL while it is open';

CREATE TABLE IF NOT EXISTS quiz_answers (
    attempt_id bigint NOT NULL,
    quiz_id bigint NOT NULL,
    question_id bigint NOT NULL,
    option_id bigint NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quiz_answers_pkey PRIMARY KEY (attempt_id, quiz_id, question_id, option_id),
    CONSTRAINT quiz_answers_quiz_id_attempt_id_fkey
        FOREIGN KEY (quiz_id, attempt_id) REFERENCES quiz_attempts (quiz_id, id) ON DELETE CASCADE,
    CONSTRAINT quiz_answers_quiz_id_question_id_fkey
        FOREIGN KEY (quiz_id, question_id) REFERENCES quiz_questions (quiz_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT quiz_answers_question_id_option_id_fkey
        FOREIGN KEY (question_id, option_id) REFERENCES quiz_options (question_id, id)
        ON DELETE RESTRICT
);
CREATE INDEX IF NOT EXISTS quiz_answers_question_id_quiz_id_idx ON quiz_answers (question_id, quiz_id);
CREATE INDEX IF NOT EXISTS quiz_answers_option_id_question_id_idx
    ON quiz_answers (option_id, question_id);
COMMENT ON TABLE quiz_answers IS 'The options that were chosen in an attempt; several where the question is multiple';
COMMENT ON COLUMN quiz_answers.attempt_id IS 'In which attempt';
COMMENT ON COLUMN quiz_answers.quiz_id IS 'The attempt''s, and the question''s';
COMMENT ON COLUMN quiz_answers.question_id IS 'To which question';
COMMENT ON COLUMN quiz_answers.option_id IS 'Which of its options';
COMMENT ON COLUMN quiz_answers.answered_at IS 'When it was chosen';

-- As in lesson_progress; a setting that a session had once is '' in its next transactions. An answer
-- belongs to whoever made the attempt, and of attempts only one's own are seen.
ALTER TABLE quiz_attempts ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS quiz_attempts_own_rows ON quiz_attempts;
CREATE POLICY quiz_attempts_own_rows ON quiz_attempts TO upskill_course_app
    USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')));
ALTER TABLE quiz_answers ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS quiz_answers_own_rows ON quiz_answers;
CREATE POLICY quiz_answers_own_rows ON quiz_answers TO upskill_course_app
    USING (EXISTS (SELECT FROM quiz_attempts WHERE quiz_attempts.id = attempt_id));
GRANT SELECT, INSERT, UPDATE, DELETE ON quiz_attempts, quiz_answers TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS quiz_answers;
-- DROP TABLE IF EXISTS quiz_attempts;
