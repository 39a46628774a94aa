-- Publications, with what they publish. Some of their columns came with later versions.
SELECT 'publication' AS class, quote_ident(p.pubname) AS name,
  nullif(p.puballtables, false) AS all_tables,
  ARRAY[p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate] AS publishes,
  nullif(p.pubviaroot, false) AS via_root,
  nullif(to_jsonb(p)->>'pubgencols', 'n') AS generated_columns,
  ARRAY(SELECT format('%s%s%s', r.prrelid::regclass,
      CASE WHEN r.prattrs IS NULL THEN '' ELSE ' (' || (SELECT string_agg(quote_ident(a.attname),
        ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = r.prrelid
        AND a.attnum = ANY (r.prattrs)) || ')' END,
      coalesce(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), ''))
    FROM pg_publication_rel r WHERE r.prpubid = p.oid ORDER BY 1) AS tables,
  ARRAY(SELECT quote_ident(n.nspname) FROM pg_publication_namespace s
    JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid ORDER BY 1) AS schemas,
  pg_get_userbyid(p.pubowner) AS owner,
  d.description AS comment
FROM pg_publication p
LEFT JOIN pg_description d ON d.classoid = 'pg_publication'::regclass AND d.objoid = p.oid
