-- The people of a small site: a dozen times seed.scale. Nothing is random: it is the same each time.

WITH names AS (
    SELECT n, (ARRAY['Amina', 'Ben', 'Chiara', 'Dmitri', 'Elif', 'Femi', 'Greta', 'Hiro', 'Inés',
            'Jonas', 'Keiko', 'Lars'])[1 + mod(n - 1, 12)] AS first,
        (ARRAY['Okafor', 'Weber', 'Rossi', 'Novak', 'Yilmaz', 'Adeyemi', 'Lindqvist'])[1 + mod(n - 1, 7)]
            AS last
    FROM generate_series(1, 12 * current_setting('seed.scale')::integer) AS n
)
INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
SELECT 'user-' || n, first || ' ' || last, 'user-' || n || '@example.com', mod(n, 6) <> 0,
    timestamptz '2026-01-05 09:00+00' + n * interval '7 minutes',
    timestamptz '2026-01-05 09:00+00' + n * interval '7 minutes'
FROM names;
