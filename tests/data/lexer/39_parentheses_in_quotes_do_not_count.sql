SELECT '(';
SELECT "(" -- (
;
SELECT $$($$ /* ( */;
SELECT (')');
SELECT 5;
