CREATE TABLE t (a int);
BEGIN; SELECT 1; END;
CREATE AGGREGATE begin (int) (sfunc = f, stype = int);
SELECT 2;
