-- BEFORE 021
INSERT INTO courses (slug, title) VALUES ('sql', 'SQL');
INSERT INTO sections (course_id, title, position) SELECT id, 'A', 1 FROM courses;
INSERT INTO lessons (section_id, title, kind, position, starts_at)
    SELECT id, 'A', 'video', 1, NULL FROM sections
    UNION ALL SELECT id, 'B', 'live', 2, timestamptz '2026-12-01 18:00+00' FROM sections;

-- WRONG AFTER UP
SELECT conname FROM unnest('{lessons_kind_check,lessons_starts_at_check}'::name[]) AS conname
EXCEPT SELECT conname FROM pg_constraint WHERE conrelid = 'lessons'::regclass AND convalidated;

-- WRONG AFTER DOWN
SELECT title, kind, starts_at
FROM (VALUES ('A', 'video', NULL), ('B', 'live', timestamptz '2026-12-01 18:00+00'))
    AS right_ones (title, kind, starts_at)
EXCEPT SELECT title, kind, starts_at FROM lessons;
