-- A small site: five courses times seed.scale, their learners, orders and progress.
-- Nothing is random: it is the same each time. People are those of auth.sql.

INSERT INTO categories (slug, name, position) VALUES
    ('databases', 'Databases', 1), ('web', 'Web', 2), ('languages', 'Languages', 3),
    ('design', 'Design', 4), ('business', 'Business', 5);

INSERT INTO instructors (user_id, display_name, headline)
SELECT 'user-' || n, (ARRAY['Amina Okafor', 'Ben Weber', 'Chiara Rossi'])[1 + mod(n - 1, 3)],
    'Teaches what she or he does all day'
FROM generate_series(1, 3 * current_setting('seed.scale')::integer) AS n;

-- The first five have plain titles; the others of a large site have a number.
WITH topics (kind, slug, title, summary, level, price) AS (VALUES
    (1, 'sql-from-the-first-query', 'SQL from the first query',
        'Tables, joins and indexes, with a database of your own from the first hour.', 'beginner', 4900),
    (2, 'typescript-for-the-server', 'TypeScript for the server',
        'Types that hold from the request to the row.', 'intermediate', 6900),
    (3, 'spanish-for-travellers', 'Spanish for travellers',
        'What you say at the station, at the market and at the doctor''s.', 'beginner', 0),
    (4, 'colour-and-type', 'Colour and type',
        'Pages that are read, and screens that are understood.', 'beginner', 3900),
    (5, 'books-of-a-small-firm', 'The books of a small firm',
        'Invoices, taxes and a year''s end without fear.', 'advanced', 8900)
)
INSERT INTO courses (slug, title, summary, level, price_minor, status, published_at)
SELECT slug || CASE WHEN n > 5 THEN '-' || n ELSE '' END,
    title || CASE WHEN n > 5 THEN ' ' || n ELSE '' END, summary, level, price, 'published',
    timestamptz '2026-02-01 08:00+00' + n * interval '1 hour'
FROM generate_series(1, 5 * current_setting('seed.scale')::integer) AS n
JOIN topics ON kind = 1 + mod(n - 1, 5)
ORDER BY n;

INSERT INTO course_categories (course_id, category_id)
SELECT c.id, k.id FROM courses c JOIN categories k ON k.position = 1 + mod(c.id - 1, 5);

INSERT INTO course_instructors (course_id, instructor_id)
SELECT c.id, i.id FROM courses c
JOIN instructors i ON i.id = 1 + mod(c.id - 1, 3 * current_setting('seed.scale')::integer);

INSERT INTO sections (course_id, title, position)
SELECT c.id, (ARRAY['Before you begin', 'First steps', 'Practice', 'Where to go next'])[n], n
FROM courses c CROSS JOIN generate_series(1, 4) AS n ORDER BY c.id, n;

INSERT INTO lessons (section_id, title, kind, position, duration_seconds, is_preview)
SELECT s.id, (ARRAY['What it is about', 'An example', 'Try it yourself', 'Common mistakes',
        'What you know now'])[n],
    (ARRAY['video', 'video', 'article', 'article', 'quiz'])[n], n, 120 + 60 * n, s.position = 1
FROM sections s CROSS JOIN generate_series(1, 5) AS n ORDER BY s.id, n;

-- The last lesson of a course asks two questions.
INSERT INTO quizzes (lesson_id, pass_percent)
SELECT l.id, 50 FROM lessons l JOIN sections s ON s.id = l.section_id
WHERE l.kind = 'quiz' AND s.position = 4 ORDER BY l.id;
INSERT INTO quiz_questions (quiz_id, position, prompt, points)
SELECT id, n, (ARRAY['What did you learn first?', 'What will you try next?'])[n], n
FROM quizzes CROSS JOIN generate_series(1, 2) AS n ORDER BY id, n;
INSERT INTO quiz_options (question_id, position, label, is_correct)
SELECT id, n, (ARRAY['The right thing', 'Something else', 'Nothing'])[n], n = 1
FROM quiz_questions CROSS JOIN generate_series(1, 3) AS n ORDER BY id, n;

-- One course in five has an evening of questions.
INSERT INTO lessons (section_id, title, kind, position, duration_seconds, starts_at)
SELECT id, 'Questions and answers', 'live', 6, 3600,
    timestamptz '2030-01-07 18:00+00' + course_id * interval '1 day'
FROM sections WHERE position = 4 AND mod(course_id, 5) = 1 ORDER BY id;

INSERT INTO coupons (code, percent_off, max_redemptions) VALUES ('WELCOME', 20, NULL), ('LAST-ONE', 50, 1);

-- Everybody takes two courses, and pays for those that cost something.
CREATE TEMPORARY TABLE taken ON COMMIT DROP AS
SELECT 'user-' || n AS user_id, c.id AS course_id, c.price_minor, n,
    timestamptz '2026-03-01 10:00+00' + n * interval '11 minutes' AS at
FROM generate_series(1, 12 * current_setting('seed.scale')::integer) AS n
CROSS JOIN generate_series(0, 1) AS which
JOIN courses c ON c.id = 1 + mod(n + 2 * which, 5 * current_setting('seed.scale')::integer);

-- One in six has completed them.
INSERT INTO enrollments (user_id, course_id, enrolled_at, status, completed_at)
SELECT user_id, course_id, at, CASE WHEN mod(n, 6) = 0 THEN 'completed' ELSE 'active' END,
    CASE WHEN mod(n, 6) = 0 THEN at + interval '9 days' END
FROM taken ORDER BY n, course_id;

INSERT INTO orders (user_id, status, currency, subtotal_minor, paid_at, created_at)
SELECT user_id, 'paid', 'EUR', sum(price_minor), max(at), max(at)
FROM taken WHERE price_minor > 0 GROUP BY user_id, n ORDER BY n;

INSERT INTO order_items (order_id, course_id, price_minor)
SELECT o.id, t.course_id, t.price_minor
FROM orders o JOIN taken t USING (user_id) WHERE t.price_minor > 0;

INSERT INTO payments (order_id, provider, reference, status, amount_minor, currency)
SELECT id, 'stripe', 'pi_' || id, 'succeeded', total_minor, currency FROM orders ORDER BY id;

-- The second payment was one too many.
INSERT INTO refunds (payment_id, reason, amount_minor, note)
SELECT id, 'duplicate', amount_minor, 'Paid twice' FROM payments ORDER BY id OFFSET 1 LIMIT 1;

-- One in six has finished all, one in six the first two sections, the others the first lesson.
INSERT INTO lesson_progress (user_id, lesson_id, seconds_watched, completed_at)
SELECT t.user_id, l.id, l.duration_seconds, t.at + interval '1 day'
FROM taken t
JOIN sections s ON s.course_id = t.course_id
JOIN lessons l ON l.section_id = s.id
WHERE CASE WHEN mod(t.n, 6) = 0 THEN true WHEN mod(t.n, 3) = 0 THEN s.position <= 2
    ELSE s.position = 1 AND l.position = 1 END;

INSERT INTO lesson_events (id, happened_at, user_id, lesson_id, kind, at_seconds)
SELECT md5(p.user_id || ' ' || p.lesson_id || ' ' || what)::uuid,
    p.completed_at - CASE what WHEN 'opened' THEN l.duration_seconds ELSE 0 END * interval '1 second',
    p.user_id, p.lesson_id, what, CASE what WHEN 'opened' THEN 0 ELSE l.duration_seconds END
FROM lesson_progress p JOIN lessons l ON l.id = p.lesson_id
CROSS JOIN unnest('{opened,finished}'::text[]) AS what;

INSERT INTO quiz_attempts (quiz_id, user_id, started_at, submitted_at, points, of_points, passed)
SELECT q.id, p.user_id, p.completed_at - interval '5 minutes', p.completed_at, 3, 3, true
FROM quizzes q JOIN lesson_progress p ON p.lesson_id = q.lesson_id ORDER BY q.id, p.user_id;
INSERT INTO quiz_answers (attempt_id, quiz_id, question_id, option_id, answered_at)
SELECT a.id, a.quiz_id, o.question_id, o.id, a.submitted_at
FROM quiz_attempts a
JOIN quiz_questions q ON q.quiz_id = a.quiz_id
JOIN quiz_options o ON o.question_id = q.id AND o.is_correct;

INSERT INTO certificates (enrollment_id, code, holder_name, issued_at)
SELECT id, regexp_replace(lpad(id::text, 16, '0'), '(.{4})(?!$)', '\1-', 'g'),
    'Learner ' || substr(user_id, 6), completed_at
FROM enrollments WHERE status = 'completed' ORDER BY id;

INSERT INTO reviews (course_id, user_id, stars, body)
SELECT course_id, user_id, 3 + mod(n / 3, 3), (ARRAY['Good, with a few lengths.', 'Just what I needed.',
    'Clear and calm: more of it!'])[1 + mod(n / 3, 3)]
FROM taken WHERE mod(n, 3) = 0;

REFRESH MATERIALIZED VIEW course_completion;
