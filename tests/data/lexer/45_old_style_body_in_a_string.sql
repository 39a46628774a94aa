CREATE FUNCTION f() RETURNS int AS '
BEGIN
  RETURN length(''a;b'');
END;
' LANGUAGE plpgsql;
SELECT 1;
