SELECT a$x$;
SELECT a$$;b$$ FROM t$1;
SELECT foo$bar$;
SELECT "a"$$;$$;
