SELECT 'a;b', ';', '''', 'it''s; fine', '', '--', '/*', '$$', '"';
SELECT 'over
lines; and
-- more
';
