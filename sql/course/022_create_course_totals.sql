-- Migration: 022_create_course_totals.sql
-- Description: Count learners and stars as they come
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- A table of its own: a row of courses is wide, and an enrollment should not write it anew. Space
-- is left in each page, so that a count changes in place.
CREATE TABLE IF NOT EXISTS course_totals (
    course_id bigint NOT NULL,
    learners bigint NOT NULL DEFAULT 0,
    reviews bigint NOT NULL DEFAULT 0,
    stars bigint NOT NULL DEFAULT 0,
    CONSTRAINT course_totals_pkey PRIMARY KEY (course_id),
    CONSTRAINT course_totals_course_id_fkey
        FOREIGN KEY (course_id) REFERENCES courses (id) ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE course_totals IS
    'What the catalogue shows of a course in numbers; triggers keep it, nobody else writes it';
COMMENT ON COLUMN course_totals.course_id IS 'Of which course; no row where there is nothing to count';
COMMENT ON COLUMN course_totals.learners IS 'Enrollments that are active or completed';
COMMENT ON COLUMN course_totals.reviews IS 'How many have reviewed it';
COMMENT ON COLUMN course_totals.stars IS 'The sum of their stars: divided by reviews, the rating';

-- Once for each statement, however many rows it has. What goes away only lowers a row that is there:
-- the course itself may be going, and its totals before its reviews.
CREATE OR REPLACE FUNCTION count_learners() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE course_totals SET learners = learners - gone.count
        FROM (
            SELECT course_id, count(*) FROM removed
            WHERE status IN ('active', 'completed') GROUP BY course_id
        ) gone
        WHERE course_totals.course_id = gone.course_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO course_totals AS totals (course_id, learners)
        SELECT course_id, count(*) FROM added
        WHERE status IN ('active', 'completed') GROUP BY course_id ORDER BY course_id
        ON CONFLICT (course_id) DO UPDATE SET learners = totals.learners + excluded.learners;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION count_learners() IS 'Trigger function: keeps course_totals.learners';
CREATE OR REPLACE FUNCTION count_reviews() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE course_totals SET reviews = reviews - gone.count, stars = course_totals.stars - gone.stars
        FROM (SELECT course_id, count(*), sum(stars) AS stars FROM removed GROUP BY course_id) gone
        WHERE course_totals.course_id = gone.course_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO course_totals AS totals (course_id, reviews, stars)
        SELECT course_id, count(*), sum(stars) FROM added GROUP BY course_id ORDER BY course_id
        ON CONFLICT (course_id) DO UPDATE
            SET reviews = totals.reviews + excluded.reviews, stars = totals.stars + excluded.stars;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION count_reviews() IS
    'Trigger function: keeps course_totals.reviews and course_totals.stars';
REVOKE EXECUTE ON FUNCTION count_learners(), count_reviews() FROM PUBLIC;

-- PostgreSQL has no transition tables for a trigger of several events.
CREATE OR REPLACE TRIGGER enrollments_count_inserted AFTER INSERT ON enrollments
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_learners();
CREATE OR REPLACE TRIGGER enrollments_count_updated AFTER UPDATE ON enrollments
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_learners();
CREATE OR REPLACE TRIGGER enrollments_count_deleted AFTER DELETE ON enrollments
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_learners();
CREATE OR REPLACE TRIGGER reviews_count_inserted AFTER INSERT ON reviews
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_reviews();
CREATE OR REPLACE TRIGGER reviews_count_updated AFTER UPDATE ON reviews
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_reviews();
CREATE OR REPLACE TRIGGER reviews_count_deleted AFTER DELETE ON reviews
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_reviews();
GRANT SELECT ON course_totals TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TRIGGER IF EXISTS reviews_count_deleted ON reviews;
-- DROP TRIGGER IF EXISTS reviews_count_updated ON reviews;
-- DROP TRIGGER IF EXISTS reviews_count_inserted ON reviews;
-- DROP TRIGGER IF EXISTS enrollments_count_deleted ON enrollments;
-- DROP TRIGGER IF EXISTS enrollments_count_updated ON enrollments;
-- DROP TRIGGER IF EXISTS enrollments_count_inserted ON enrollments;
-- DROP FUNCTION IF EXISTS count_reviews();
-- DROP FUNCTION IF EXISTS count_learners();
-- DROP TABLE IF EXISTS course_totals;
