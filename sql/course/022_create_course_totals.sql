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
COMMENT ON COLUMN course_totals.course_id IS 'Of which course; one without a row has nothing to count';
COMMENT ON COLUMN course_totals.learners IS 'Enrollments that are active or completed';
COMMENT ON COLUMN course_totals.reviews IS 'How many have reviewed it';
COMMENT ON COLUMN course_totals.stars IS 'The sum of their stars: divided by reviews, the rating';

-- Once for each statement, however many rows it has, and in one order: two statements that change the
-- same courses wait for each other and cannot deadlock. A transaction that enrolls in several courses
-- does it in one statement, or in the order of their ids. A row is locked only where its count
-- changes: to complete a course changes none. What is taken away makes a row too, so that it meets
-- 023, which fills them; not for a course that is going itself.
CREATE OR REPLACE FUNCTION count_learners() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO course_totals AS totals (course_id, learners)
        SELECT course_id, count(*) FROM added WHERE status IN ('active', 'completed')
        GROUP BY course_id ORDER BY course_id
        ON CONFLICT (course_id) DO UPDATE SET learners = totals.learners + excluded.learners;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO course_totals AS totals (course_id, learners)
        SELECT course_id, sum(change) FROM (
            SELECT course_id, 1 AS change FROM added WHERE status IN ('active', 'completed')
            UNION ALL SELECT course_id, -1 FROM removed WHERE status IN ('active', 'completed')
        ) changes
        GROUP BY course_id HAVING sum(change) <> 0 ORDER BY course_id
        ON CONFLICT (course_id) DO UPDATE SET learners = totals.learners + excluded.learners;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO course_totals AS totals (course_id, learners)
        SELECT course_id, -count(*) FROM removed JOIN courses ON courses.id = removed.course_id
        WHERE removed.status IN ('active', 'completed') GROUP BY course_id ORDER BY course_id
        ON CONFLICT (course_id) DO UPDATE SET learners = totals.learners + excluded.learners;
    ELSE
        UPDATE course_totals SET learners = 0;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION count_learners() IS 'Trigger function: keeps course_totals.learners';
CREATE OR REPLACE FUNCTION count_reviews() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO course_totals AS totals (course_id, reviews, stars)
        SELECT course_id, count(*), sum(added.stars) FROM added GROUP BY course_id ORDER BY course_id
        ON CONFLICT (course_id) DO UPDATE
            SET reviews = totals.reviews + excluded.reviews, stars = totals.stars + excluded.stars;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO course_totals AS totals (course_id, reviews, stars)
        SELECT course_id, sum(change), sum(change * given) FROM (
            SELECT course_id, 1 AS change, added.stars AS given FROM added
            UNION ALL SELECT course_id, -1, removed.stars FROM removed
        ) changes
        GROUP BY course_id HAVING sum(change) <> 0 OR sum(change * given) <> 0 ORDER BY course_id
        ON CONFLICT (course_id) DO UPDATE
            SET reviews = totals.reviews + excluded.reviews, stars = totals.stars + excluded.stars;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO course_totals AS totals (course_id, reviews, stars)
        SELECT course_id, -count(*), -sum(removed.stars)
        FROM removed JOIN courses ON courses.id = removed.course_id
        GROUP BY course_id ORDER BY course_id
        ON CONFLICT (course_id) DO UPDATE
            SET reviews = totals.reviews + excluded.reviews, stars = totals.stars + excluded.stars;
    ELSE
        UPDATE course_totals SET reviews = 0, stars = 0;
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
CREATE OR REPLACE TRIGGER enrollments_count_truncated AFTER TRUNCATE ON enrollments
    FOR EACH STATEMENT EXECUTE FUNCTION count_learners();
CREATE OR REPLACE TRIGGER reviews_count_truncated AFTER TRUNCATE ON reviews
    FOR EACH STATEMENT EXECUTE FUNCTION count_reviews();
GRANT SELECT ON course_totals TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TRIGGER IF EXISTS reviews_count_truncated ON reviews;
-- DROP TRIGGER IF EXISTS enrollments_count_truncated ON enrollments;
-- DROP TRIGGER IF EXISTS reviews_count_deleted ON reviews;
-- DROP TRIGGER IF EXISTS reviews_count_updated ON reviews;
-- DROP TRIGGER IF EXISTS reviews_count_inserted ON reviews;
-- DROP TRIGGER IF EXISTS enrollments_count_deleted ON enrollments;
-- DROP TRIGGER IF EXISTS enrollments_count_updated ON enrollments;
-- DROP TRIGGER IF EXISTS enrollments_count_inserted ON enrollments;
-- DROP FUNCTION IF EXISTS count_reviews();
-- DROP FUNCTION IF EXISTS count_learners();
-- DROP TABLE IF EXISTS course_totals;
