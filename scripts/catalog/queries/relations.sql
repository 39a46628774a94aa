-- Tables, partitioned and foreign ones, views and materialized views, and composite types.
SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign table'
    WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'composite type' END
    AS class,
  format('%I.%I', n.nspname, c.relname) AS name,
  pg_get_userbyid(c.relowner) AS owner,
  CASE WHEN c.relkind = 'c' THEN NULL ELSE
    ARRAY(SELECT a::text FROM unnest(coalesce(c.relacl, acldefault('r', c.relowner))) a ORDER BY 1)
    END AS privileges,
  nullif(c.relpersistence, 'p') AS persistence,
  nullif(m.amname, 'heap') AS access_method,
  t.spcname AS tablespace,
  c.reloptions AS options,
  toast.reloptions AS toast_options,
  pg_get_partkeydef(c.oid) AS partition_key,
  pg_get_expr(c.relpartbound, c.oid) AS partition_bound,
  ARRAY(SELECT i.inhparent::regclass::text || CASE WHEN i.inhdetachpending THEN ' (detaching)'
      ELSE '' END FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
  nullif(c.relrowsecurity, false) AS row_security,
  nullif(c.relforcerowsecurity, false) AS forced_row_security,
  CASE WHEN c.relkind IN ('r', 'p', 'm') THEN nullif(c.relreplident, 'd') END AS replica_identity,
  CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END AS of_type,
  CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
  CASE WHEN c.relkind = 'm' THEN nullif(c.relispopulated, true) END AS populated,
  CASE WHEN c.relkind = 'f' THEN
    (SELECT s.srvname FROM pg_foreign_server s WHERE s.oid = f.ftserver) END AS server,
  f.ftoptions AS foreign_options,
  d.description AS comment
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am m ON m.oid = c.relam
LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
  AND d.objsubid = 0
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND {of:c.oid}
  AND {own_schema:n.nspname}
  AND {no_member:pg_class:c.oid}
