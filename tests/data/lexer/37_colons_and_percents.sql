SELECT :name, :'quoted;', :"ident;", 100 % 3, '%s', '%%', '%(a)s;', 'a' LIKE '%;';
SELECT a:=1, %s;
