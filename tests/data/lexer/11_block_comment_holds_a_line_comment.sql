/* -- not the end
 ; */ SELECT 1;
-- /* not a beginning
SELECT 2;
-- */
SELECT 3;
