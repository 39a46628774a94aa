-- a; b
SELECT 1 -- it's; a "comment" $$ /* 
, 2; -- after; it's
--no blank
SELECT 3;--
SELECT 4;
