create procedure p()
language sql
begin atomic
  insert into t values (1);
  insert into t values ('end;');
end;
SELECT 'after';
