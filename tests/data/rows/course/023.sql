-- BEFORE 022
INSERT INTO courses (slug, title)
    SELECT 'course-' || n, 'Course ' || n FROM generate_series(1, 1203) n;
INSERT INTO enrollments (user_id, course_id, status)
    SELECT state, id, state FROM courses, unnest('{active,refunded,expired}'::text[]) state
    WHERE slug IN ('course-1', 'course-1203');
INSERT INTO reviews (course_id, user_id, stars)
    SELECT id, 'user-' || n, n FROM courses, generate_series(3, 5) n WHERE slug = 'course-1203';

-- BEFORE 023
-- What the triggers have counted by then is a part of it.
INSERT INTO enrollments (user_id, course_id)
    SELECT 'late', id FROM courses WHERE slug IN ('course-2', 'course-1203');
DELETE FROM reviews WHERE stars = 3;

-- WRONG AFTER UP
SELECT slug, learners, reviews, stars FROM courses LEFT JOIN course_totals ON course_id = id
WHERE (learners, reviews, stars) IS DISTINCT FROM CASE slug
    WHEN 'course-1' THEN (1::bigint, 0::bigint, 0::bigint)
    WHEN 'course-2' THEN (1::bigint, 0::bigint, 0::bigint)
    WHEN 'course-1203' THEN (2::bigint, 2::bigint, 9::bigint)
    ELSE (0::bigint, 0::bigint, 0::bigint) END;

-- MEANWHILE
INSERT INTO enrollments (user_id, course_id) SELECT 'new', id FROM courses WHERE slug = 'course-1';

-- WRONG AFTER DOWN
SELECT course_id FROM course_totals;

-- WRONG AFTER UP AGAIN
-- Whatever the triggers counted in between.
SELECT slug, learners, reviews, stars FROM courses LEFT JOIN course_totals ON course_id = id
WHERE (learners, reviews, stars) IS DISTINCT FROM CASE slug
    WHEN 'course-1' THEN (2::bigint, 0::bigint, 0::bigint)
    WHEN 'course-2' THEN (1::bigint, 0::bigint, 0::bigint)
    WHEN 'course-1203' THEN (2::bigint, 2::bigint, 9::bigint)
    ELSE (0::bigint, 0::bigint, 0::bigint) END;
