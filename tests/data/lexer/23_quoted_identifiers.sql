SELECT 1 AS "a;b", 2 AS "say ""hi;""", 3 AS "it's", 4 AS "\";
SELECT 1 AS "over
lines;", 2 AS "$$", 3 AS "--", 4 AS "/*";
