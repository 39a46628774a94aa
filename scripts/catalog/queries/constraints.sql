-- Constraints of tables and domains. From 18 on NOT NULL is one as well: there its name is a note.
SELECT CASE WHEN c.contype = 'n' THEN 'not-null constraint' ELSE 'constraint' END AS class,
  CASE WHEN c.contype <> 'n' THEN format('%s.%I', o.parent, c.conname)
    WHEN c.conrelid = 0 THEN o.parent
    ELSE format('%s.%I', o.parent, (SELECT a.attname FROM pg_attribute a
      WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1])) END AS name,
  o.parent,
  o.of AS on,
  pg_get_constraintdef(c.oid) AS definition,
  nullif(c.convalidated, true) AS validated,
  CASE WHEN c.coninhcount > 0 THEN c.conislocal END AS local,
  CASE WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = c.oid AND g.tgisinternal
    AND g.tgenabled <> 'O') THEN true END AS not_checked,
  CASE WHEN c.contype = 'n' THEN c.conname END AS constraint_name,
  d.description AS comment
FROM pg_constraint c
CROSS JOIN LATERAL (
  SELECT r.oid::regclass::text AS parent, 'table' AS of, r.relnamespace AS namespace,
    {member:pg_class:r.oid} AS is_member
  FROM pg_class r WHERE r.oid = c.conrelid AND c.conrelid <> 0
  UNION ALL
  SELECT t.oid::regtype::text, 'domain', t.typnamespace, {member:pg_type:t.oid}
  FROM pg_type t WHERE t.oid = c.contypid AND c.contypid <> 0
) o
JOIN pg_namespace n ON n.oid = o.namespace
LEFT JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = c.oid
-- One that the server has made for each partition that another refers to is none of its own.
WHERE c.contype <> 't' AND NOT EXISTS (SELECT FROM pg_constraint q WHERE q.oid = c.conparentid
  AND q.conrelid = c.conrelid) AND NOT o.is_member AND {of:c.conrelid}
  AND {own_schema:n.nspname}
