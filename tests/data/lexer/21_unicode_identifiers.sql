SELECT 1 AS U&"d\0061t;", 2 AS u&"\";
SELECT 3 AS U&"a"";b";
