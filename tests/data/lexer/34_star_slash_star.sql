SELECT 2*/*;*/3;
SELECT 2 */* ; */ 3;
SELECT 2 //* ; */ 3;
SELECT 2 */ 3;
SELECT 4;
