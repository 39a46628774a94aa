-- BEFORE 019
INSERT INTO orders (user_id, currency, subtotal_minor) VALUES ('one', 'EUR', 4900);
INSERT INTO payments (order_id, provider, reference, amount_minor, currency)
    SELECT id, 'stripe', 'pi_1', 4900, 'EUR' FROM orders;
INSERT INTO refunds (payment_id, reason, amount_minor)
    SELECT id, reason, 100 FROM payments, unnest(enum_range(NULL::refund_reason)) reason;

-- WRONG AFTER UP
SELECT reason, 1
FROM unnest('{changed_mind,duplicate,fraud,other}'::text[]) AS reason
EXCEPT SELECT reason::text, count(*) FROM refunds GROUP BY reason;

-- MEANWHILE
INSERT INTO refunds (payment_id, reason, amount_minor)
    SELECT id, 'course_withdrawn', 100 FROM payments;

-- WRONG AFTER DOWN
-- The reason that is no longer known is another one, and no money is lost.
SELECT reason, number, sum
FROM (VALUES ('changed_mind', 1, 100), ('duplicate', 1, 100), ('fraud', 1, 100), ('other', 2, 200))
    AS right_ones (reason, number, sum)
EXCEPT SELECT reason::text, count(*), sum(amount_minor) FROM refunds GROUP BY reason;

-- WRONG AFTER UP AGAIN
SELECT reason, number
FROM (VALUES ('changed_mind', 1), ('duplicate', 1), ('fraud', 1), ('other', 2))
    AS right_ones (reason, number)
EXCEPT SELECT reason::text, count(*) FROM refunds GROUP BY reason;
