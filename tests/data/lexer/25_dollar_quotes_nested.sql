SELECT $a$ ; $b$ ; $$ ; $b$ ; $a$;
SELECT $a$ $b$; $a$;
SELECT $$ $x$a$ ; $$;
SELECT $a$x$b$a$;
SELECT $a$ ;$x$a$;
