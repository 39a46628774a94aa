-- BEFORE 012
INSERT INTO courses (slug, title, summary, language) VALUES
    ('en', 'Running databases', 'Indexes and locks', 'en'),
    ('pl', 'Bazy danych', '', 'pl');

-- WRONG AFTER UP
SELECT slug FROM courses WHERE NOT search @@ CASE slug
    WHEN 'en' THEN to_tsquery('english', 'database & index') ELSE to_tsquery('simple', 'bazy') END;

-- WRONG AFTER DOWN
SELECT slug FROM courses WHERE title NOT IN ('Running databases', 'Bazy danych');
