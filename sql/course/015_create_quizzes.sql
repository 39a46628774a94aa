-- Migration: 015_create_quizzes.sql
-- Description: Let lessons ask questions
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS quizzes (
    id bigint GENERATED ALWAYS AS IDENTITY,
    lesson_id bigint NOT NULL,
    pass_percent smallint NOT NULL DEFAULT 80,
    max_attempts smallint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quizzes_pkey PRIMARY KEY (id),
    CONSTRAINT quizzes_lesson_id_key UNIQUE (lesson_id),
    CONSTRAINT quizzes_lesson_id_fkey
        FOREIGN KEY (lesson_id) REFERENCES lessons (id) ON DELETE CASCADE,
    CONSTRAINT quizzes_pass_percent_check CHECK (pass_percent BETWEEN 1 AND 100),
    CONSTRAINT quizzes_max_attempts_check CHECK (max_attempts > 0)
);
COMMENT ON TABLE quizzes IS 'Questions of a lesson; a lesson of the kind quiz consists of nothing else';
COMMENT ON COLUMN quizzes.id IS 'Nobody outside sees it';
COMMENT ON COLUMN quizzes.lesson_id IS 'Of which lesson; a lesson has one quiz at most';
COMMENT ON COLUMN quizzes.pass_percent IS 'Of all points, from how many percent it is passed';
COMMENT ON COLUMN quizzes.max_attempts IS 'How often a learner may try; the application counts. NULL is without limit';
COMMENT ON COLUMN quizzes.created_at IS 'When it was made';
COMMENT ON COLUMN quizzes.updated_at IS 'When the row was last changed';

-- Positions are checked at commit, as in sections and lessons: two can change places.

CREATE TABLE IF NOT EXISTS quiz_questions (
    id bigint GENERATED ALWAYS AS IDENTITY,
    quiz_id bigint NOT NULL,
    position integer NOT NULL,
    kind text NOT NULL DEFAULT 'single',
    prompt text NOT NULL,
    explanation text NOT NULL DEFAULT '',
    points smallint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quiz_questions_pkey PRIMARY KEY (id),
    CONSTRAINT quiz_questions_quiz_id_position_key
        UNIQUE (quiz_id, position) DEFERRABLE INITIALLY DEFERRED,
    -- For the foreign key of an answer, which names both: no question of another quiz.
    CONSTRAINT quiz_questions_quiz_id_id_key UNIQUE (quiz_id, id),
    CONSTRAINT quiz_questions_quiz_id_fkey
        FOREIGN KEY (quiz_id) REFERENCES quizzes (id) ON DELETE CASCADE,
    CONSTRAINT quiz_questions_position_check CHECK (position > 0),
    CONSTRAINT quiz_questions_kind_check CHECK (kind IN ('single', 'multiple')),
    CONSTRAINT quiz_questions_prompt_check CHECK (btrim(prompt) <> ''),
    CONSTRAINT quiz_questions_points_check CHECK (points > 0)
);
COMMENT ON TABLE quiz_questions IS 'Questions of a quiz, in their order';
COMMENT ON COLUMN quiz_questions.id IS 'Nobody outside sees it';
COMMENT ON COLUMN quiz_questions.quiz_id IS 'Of which quiz';
COMMENT ON COLUMN quiz_questions.position IS 'Order within the quiz, from 1';
COMMENT ON COLUMN quiz_questions.kind IS 'single or multiple: how many options may be chosen; the application sees to it';
COMMENT ON COLUMN quiz_questions.prompt IS 'What is asked, in Markdown';
COMMENT ON COLUMN quiz_questions.explanation IS 'What is shown after the answer, in Markdown';
COMMENT ON COLUMN quiz_questions.points IS 'What the right answer is worth';
COMMENT ON COLUMN quiz_questions.created_at IS 'When it was made';
COMMENT ON COLUMN quiz_questions.updated_at IS 'When the row was last changed';

CREATE TABLE IF NOT EXISTS quiz_options (
    id bigint GENERATED ALWAYS AS IDENTITY,
    question_id bigint NOT NULL,
    position integer NOT NULL,
    label text NOT NULL,
    is_correct boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quiz_options_pkey PRIMARY KEY (id),
    CONSTRAINT quiz_options_question_id_position_key
        UNIQUE (question_id, position) DEFERRABLE INITIALLY DEFERRED,
    -- As above: no option of another question.
    CONSTRAINT quiz_options_question_id_id_key UNIQUE (question_id, id),
    CONSTRAINT quiz_options_question_id_fkey
        FOREIGN KEY (question_id) REFERENCES quiz_questions (id) ON DELETE CASCADE,
    CONSTRAINT quiz_options_position_check CHECK (position > 0),
    CONSTRAINT quiz_options_label_check CHECK (btrim(label) <> '')
);
COMMENT ON TABLE quiz_options IS 'What can be chosen as the answer to a question';
COMMENT ON COLUMN quiz_options.id IS 'Nobody outside sees it';
COMMENT ON COLUMN quiz_options.question_id IS 'Of which question';
COMMENT ON COLUMN quiz_options.position IS 'Order within the question, from 1';
COMMENT ON COLUMN quiz_options.label IS 'What the learner reads, in Markdown';
COMMENT ON COLUMN quiz_options.is_correct IS 'Whether it is (part of) the right answer; never sent before the attempt is over';
COMMENT ON COLUMN quiz_options.created_at IS 'When it was made';
COMMENT ON COLUMN quiz_options.updated_at IS 'When the row was last changed';

CREATE OR REPLACE TRIGGER quizzes_set_updated_at BEFORE UPDATE ON quizzes
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE OR REPLACE TRIGGER quiz_questions_set_updated_at BEFORE UPDATE ON quiz_questions
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE OR REPLACE TRIGGER quiz_options_set_updated_at BEFORE UPDATE ON quiz_options
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON quizzes, quiz_questions, quiz_options TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS quiz_options;
-- DROP TABLE IF EXISTS quiz_questions;
-- DROP TABLE IF EXISTS quizzes;
