SELECT E'one' -- it's; a comment
  -- another; 
  'it\'s; two';
SELECT 2;
