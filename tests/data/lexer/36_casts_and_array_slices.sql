SELECT '1;'::text::int, a[1:2], a[:2], a[1:], ARRAY[[1,2],[3,4]]::int[];
SELECT (a::b).c, x[y::int];
