-- BEFORE 012
INSERT INTO courses (slug, title, summary, language) VALUES
    ('en', 'Running databases', 'Indexes and locks', 'en'),
    ('pl', 'Bazy danych', '', 'pl');

-- WRONG AFTER UP
SELECT slug FROM (VALUES ('en'), ('pl')) AS right_ones (slug)
EXCEPT SELECT slug FROM courses WHERE search @@ CASE slug
    WHEN 'en' THEN to_tsquery('english', 'database & index') ELSE to_tsquery('simple', 'bazy') END;

-- WRONG AFTER DOWN
SELECT slug, title
FROM (VALUES ('en', 'Running databases'), ('pl', 'Bazy danych')) AS right_ones (slug, title)
EXCEPT SELECT slug, title FROM courses;
