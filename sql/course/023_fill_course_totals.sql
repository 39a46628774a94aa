-- Migration: 023_fill_course_totals.sql
-- Description: Count the learners and stars that there are
-- Author: Upskill platform team
-- Created: 2026-11-30
-- Transaction: none

-- UP: Apply migration

-- Each course in a transaction of its own: whoever enrolls in several meanwhile is not blocked by one
-- who waits for them. The row is locked first, and counted by the next statement, which sees what was
-- committed until then. Whoever changes a count meanwhile waits for the lock and then changes what was
-- counted: see 022.
DO $$
DECLARE
    above bigint := 0;
BEGIN
    LOOP
        SELECT id INTO above FROM courses WHERE id > above ORDER BY id LIMIT 1;
        EXIT WHEN NOT FOUND;
        -- None where the course has gone meanwhile.
        INSERT INTO course_totals AS totals (course_id)
            SELECT id FROM courses WHERE id = above FOR KEY SHARE
            ON CONFLICT (course_id) DO UPDATE SET learners = totals.learners;
        UPDATE course_totals SET
            learners = (SELECT count(*) FROM enrollments
                WHERE course_id = above AND status IN ('active', 'completed')),
            reviews = (SELECT count(*) FROM reviews WHERE course_id = above),
            stars = (SELECT coalesce(sum(reviews.stars), 0) FROM reviews WHERE course_id = above)
            WHERE course_id = above;
        COMMIT;
    END LOOP;
END $$;

-- DOWN: Rollback migration (for use by rollback scripts)
-- -- What the triggers have counted since goes too: UP counts all of it.
-- DELETE FROM course_totals;
