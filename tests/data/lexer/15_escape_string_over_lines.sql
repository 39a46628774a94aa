SELECT E'one'
  'it\'s; two'

	'th\'ree;';
SELECT 2;
