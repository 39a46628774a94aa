SELECT 1;
-- done; really
/* the end; */
