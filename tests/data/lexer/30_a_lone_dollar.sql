SELECT $ ;
SELECT $a ;
SELECT $-$ ;
SELECT $a b$;
