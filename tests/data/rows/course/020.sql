-- BEFORE 020
INSERT INTO courses (slug, title) VALUES ('sql', 'SQL');
INSERT INTO sections (course_id, title, position) SELECT id, 'A', 1 FROM courses;
INSERT INTO lessons (section_id, title, kind, position)
    SELECT id, kind, kind, number FROM sections,
        unnest('{video,article,quiz}'::text[]) WITH ORDINALITY AS kinds (kind, number);

-- WRONG AFTER UP
SELECT kind FROM lessons WHERE kind <> title OR starts_at IS NOT NULL;

-- MEANWHILE
INSERT INTO lessons (section_id, title, kind, position, starts_at)
    SELECT id, 'video', 'live', 4, now() FROM sections;

-- WRONG AFTER DOWN
-- A live lesson is a video again: its recording.
SELECT kind FROM lessons WHERE kind <> title;
