-- Migration: 023_fill_course_totals.sql
-- Description: Count the learners and stars that there are
-- Author: Upskill platform team
-- Created: 2026-11-30
-- Transaction: none

-- UP: Apply migration

-- In batches that are committed one by one. A course's row is locked first, and counted by the next
-- statement, which sees what was committed until then: whoever enrolls meanwhile waits for the lock
-- and adds to the count, and nobody is counted twice.
DO $$
DECLARE
    above bigint := 0;
    last bigint;
BEGIN
    LOOP
        SELECT max(id) INTO last FROM (
            SELECT id FROM courses WHERE id > above ORDER BY id LIMIT 500
        ) batch;
        EXIT WHEN last IS NULL;
        INSERT INTO course_totals (course_id)
            SELECT id FROM courses WHERE id > above AND id <= last ORDER BY id
            ON CONFLICT (course_id) DO NOTHING;
        PERFORM FROM course_totals WHERE course_id > above AND course_id <= last
            ORDER BY course_id FOR UPDATE;
        UPDATE course_totals totals SET
            learners = (SELECT count(*) FROM enrollments
                WHERE course_id = totals.course_id AND status IN ('active', 'completed')),
            reviews = (SELECT count(*) FROM reviews WHERE course_id = totals.course_id),
            stars = (SELECT coalesce(sum(stars), 0) FROM reviews WHERE course_id = totals.course_id)
            WHERE course_id > above AND course_id <= last;
        COMMIT;
        above := last;
    END LOOP;
END $$;

-- DOWN: Rollback migration (for use by rollback scripts)
-- -- What the triggers have counted since goes too: UP counts all of it.
-- DELETE FROM course_totals;
