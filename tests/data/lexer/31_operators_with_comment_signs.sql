SELECT 1 @-- comment;
2;
SELECT 1 +/* ; */ 2, a ->-- ';
b;
SELECT 4 /-- ;
2, 5 -/* ' */ 3;
