-- BEFORE 013
INSERT INTO "user" (id, name, email, "emailVerified", role, banned) VALUES
    ('nothing', 'A', 'a@example.com', true, NULL, NULL),
    ('admin', 'B', 'b@example.com', true, 'admin', NULL),
    ('banned', 'C', 'c@example.com', true, NULL, true);

-- WRONG AFTER UP
SELECT id, role, banned
FROM (VALUES ('nothing', 'user', false), ('admin', 'admin', false), ('banned', 'user', true))
    AS right_ones (id, role, banned)
EXCEPT SELECT id, role, banned FROM "user";

-- WRONG AFTER DOWN
-- What was filled in stays.
SELECT id, role, banned
FROM (VALUES ('nothing', 'user', false), ('admin', 'admin', false), ('banned', 'user', true))
    AS right_ones (id, role, banned)
EXCEPT SELECT id, role, banned FROM "user";
