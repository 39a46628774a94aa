SELECT 'one'
'C:\';
SELECT 'a' -- b;
'\';
