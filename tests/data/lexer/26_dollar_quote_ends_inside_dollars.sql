SELECT $a$ $$a$;
SELECT $$ $a $$;
SELECT $a$ $a $aa$ ;$a$;
