-- Operator families with their operators and functions.
SELECT 'operator family' AS class,
  format('%I.%I USING %I', n.nspname, f.opfname, m.amname) AS name,
  ARRAY(SELECT format('%s %s%s', p.amopstrategy, p.amopopr::regoperator,
      CASE WHEN p.amoppurpose = 'o' THEN ' FOR ORDER BY ' || (SELECT format('%I.%I', sn.nspname,
        sf.opfname) FROM pg_opfamily sf JOIN pg_namespace sn ON sn.oid = sf.opfnamespace
        WHERE sf.oid = p.amopsortfamily) ELSE '' END)
    || CASE WHEN p.amopmethod <> f.opfmethod THEN ' of another method' ELSE '' END
    || format(' (%s, %s)', format_type(p.amoplefttype, NULL), format_type(p.amoprighttype, NULL))
    FROM pg_amop p WHERE p.amopfamily = f.oid ORDER BY 1) AS operators,
  ARRAY(SELECT format('%s (%s, %s) %s', q.amprocnum, format_type(q.amproclefttype, NULL),
      format_type(q.amprocrighttype, NULL), q.amproc::regprocedure)
    FROM pg_amproc q WHERE q.amprocfamily = f.oid ORDER BY 1) AS functions,
  pg_get_userbyid(f.opfowner) AS owner,
  d.description AS comment
FROM pg_opfamily f
JOIN pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_am m ON m.oid = f.opfmethod
LEFT JOIN pg_description d ON d.classoid = 'pg_opfamily'::regclass AND d.objoid = f.oid
WHERE {own_schema:n.nspname}
  AND {no_member:pg_opfamily:f.oid}
