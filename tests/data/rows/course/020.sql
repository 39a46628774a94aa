-- BEFORE 020
INSERT INTO courses (slug, title) VALUES ('sql', 'SQL');
INSERT INTO sections (course_id, title, position) SELECT id, 'A', 1 FROM courses;
INSERT INTO lessons (section_id, title, kind, position)
    SELECT id, kind, kind, number FROM sections,
        unnest('{video,article,quiz}'::text[]) WITH ORDINALITY AS kinds (kind, number);

-- WRONG AFTER UP
SELECT kind, NULL::timestamptz FROM unnest('{video,article,quiz}'::text[]) AS kind
EXCEPT SELECT kind, starts_at FROM lessons WHERE title = kind;

-- MEANWHILE
INSERT INTO lessons (section_id, title, kind, position, starts_at)
    SELECT id, 'evening', 'live', 4, now() FROM sections;

-- WRONG AFTER DOWN
-- A live lesson is a video again: its recording.
SELECT title, kind
FROM (VALUES ('video', 'video'), ('article', 'article'), ('quiz', 'quiz'), ('evening', 'video'))
    AS right_ones (title, kind)
EXCEPT SELECT title, kind FROM lessons;

-- WRONG AFTER UP AGAIN
SELECT title, kind, NULL::timestamptz
FROM (VALUES ('video', 'video'), ('article', 'article'), ('quiz', 'quiz'), ('evening', 'video'))
    AS right_ones (title, kind)
EXCEPT SELECT title, kind, starts_at FROM lessons;
