SELECT $$a; 'b' " -- /* $ c$$;
SELECT $tag$ $$;$$ $tag $TAG$ ; $tag$;
SELECT $$$$, $_$;$_$, $a1$;$a1$;
