-- BEFORE 021
INSERT INTO courses (slug, title) VALUES ('sql', 'SQL');
INSERT INTO sections (course_id, title, position) SELECT id, 'A', 1 FROM courses;
INSERT INTO lessons (section_id, title, kind, position, starts_at)
    SELECT id, 'A', 'video', 1, NULL FROM sections
    UNION ALL SELECT id, 'B', 'live', 2, timestamptz '2026-12-01 18:00+00' FROM sections;

-- WRONG AFTER UP
SELECT conname FROM pg_constraint WHERE conrelid = 'lessons'::regclass AND NOT convalidated;

-- WRONG AFTER DOWN
SELECT kind FROM lessons WHERE (kind = 'live') IS DISTINCT FROM (starts_at IS NOT NULL);
