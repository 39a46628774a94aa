PREPARE p AS SELECT $1, $2;
SELECT $1$x$ ; $x$;
SELECT $1;$2;
SELECT 1$$ ; $$;
