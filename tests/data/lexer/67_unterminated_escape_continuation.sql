SELECT 1;
SELECT E'a'
'b\';
