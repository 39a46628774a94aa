-- a; b
SELECT 1,
  'two
lines;';
SELECT E'a'
  'b\';';

DO $$
BEGIN
  NULL;
END $$;
