-- Migration: 025_create_catalogue.sql
-- Description: Show the catalogue as pages need it
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

CREATE OR REPLACE VIEW catalogue AS
SELECT
    courses.id AS course_id,
    courses.slug,
    courses.title,
    courses.summary,
    courses.level,
    courses.language,
    courses.price_minor,
    courses.currency,
    courses.published_at,
    ARRAY(
        SELECT instructors.display_name FROM course_instructors
        JOIN instructors ON instructors.id = course_instructors.instructor_id
        WHERE course_instructors.course_id = courses.id
        ORDER BY course_instructors.position, instructors.id
    ) AS instructors,
    coalesce(course_totals.learners, 0) AS learners,
    coalesce(course_totals.reviews, 0) AS reviews,
    round(course_totals.stars::numeric / nullif(course_totals.reviews, 0), 1) AS rating
FROM courses
LEFT JOIN course_totals ON course_totals.course_id = courses.id
WHERE courses.status = 'published';
COMMENT ON VIEW catalogue IS 'Published courses with who teaches them and what learners think';
COMMENT ON COLUMN catalogue.course_id IS 'See courses.id';
COMMENT ON COLUMN catalogue.slug IS 'The course in URLs';
COMMENT ON COLUMN catalogue.title IS 'As it stands on the course page';
COMMENT ON COLUMN catalogue.summary IS 'In two sentences';
COMMENT ON COLUMN catalogue.level IS 'beginner, intermediate or advanced';
COMMENT ON COLUMN catalogue.language IS 'Language of the lessons: ISO 639-1, with a region where it matters';
COMMENT ON COLUMN catalogue.price_minor IS 'Price in the minor unit of the currency; 0 is free';
COMMENT ON COLUMN catalogue.currency IS 'ISO 4217 code';
COMMENT ON COLUMN catalogue.published_at IS 'First publication';
COMMENT ON COLUMN catalogue.instructors IS 'Names of those who teach it, in their order';
COMMENT ON COLUMN catalogue.learners IS 'How many are enrolled or have been through it';
COMMENT ON COLUMN catalogue.reviews IS 'How many have reviewed it';
COMMENT ON COLUMN catalogue.rating IS 'Stars on average, with one digit; NULL without a review';

-- Reads all progress: too much for a page, so it is as old as its last refresh.
CREATE MATERIALIZED VIEW IF NOT EXISTS course_completion AS
SELECT
    courses.id AS course_id,
    count(DISTINCT lesson_progress.user_id) AS learners,
    count(lesson_progress.completed_at) AS lessons_completed,
    count(DISTINCT lesson_progress.user_id) FILTER (
        WHERE lesson_progress.updated_at > now() - interval '30 days'
    ) AS active_learners
FROM courses
LEFT JOIN sections ON sections.course_id = courses.id
LEFT JOIN lessons ON lessons.section_id = sections.id
LEFT JOIN lesson_progress ON lesson_progress.lesson_id = lessons.id
GROUP BY courses.id;
-- A refresh that lets others read needs a unique index. Nobody can be reading yet.
CREATE UNIQUE INDEX IF NOT EXISTS course_completion_course_id_key ON course_completion (course_id);
COMMENT ON MATERIALIZED VIEW course_completion IS
    'How far the learners of each course come, for those who teach it. For a job of the owner, every hour: REFRESH MATERIALIZED VIEW CONCURRENTLY course_completion';
COMMENT ON COLUMN course_completion.course_id IS 'Of which course';
COMMENT ON COLUMN course_completion.learners IS 'How many have begun a lesson';
COMMENT ON COLUMN course_completion.lessons_completed IS 'How many lessons they have completed, all together';
COMMENT ON COLUMN course_completion.active_learners IS 'How many got further in the thirty days before the refresh';

GRANT SELECT ON catalogue, course_completion TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP MATERIALIZED VIEW IF EXISTS course_completion;
-- DROP VIEW IF EXISTS catalogue;
