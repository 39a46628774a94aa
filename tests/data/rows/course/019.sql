-- BEFORE 019
INSERT INTO orders (user_id, currency, subtotal_minor) VALUES ('one', 'EUR', 4900);
INSERT INTO payments (order_id, provider, reference, amount_minor, currency)
    SELECT id, 'stripe', 'pi_1', 4900, 'EUR' FROM orders;
INSERT INTO refunds (payment_id, reason, amount_minor)
    SELECT id, reason, 100 FROM payments, unnest(enum_range(NULL::refund_reason)) reason;

-- WRONG AFTER UP
SELECT reason, count(*) FROM refunds GROUP BY reason HAVING count(*) <> 1;

-- MEANWHILE
INSERT INTO refunds (payment_id, reason, amount_minor)
    SELECT id, 'course_withdrawn', 100 FROM payments;

-- WRONG AFTER DOWN
-- The reason that is no longer known is another one, and no money is lost.
SELECT reason, count(*) FROM refunds GROUP BY reason
HAVING count(*) <> CASE reason::text WHEN 'other' THEN 2 ELSE 1 END
UNION ALL SELECT NULL, sum(amount_minor) FROM refunds HAVING sum(amount_minor) <> 500;
