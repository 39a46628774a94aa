-- Text search configurations, dictionaries, parsers and templates.
SELECT 'text search configuration' AS class, format('%I.%I', n.nspname, c.cfgname) AS name,
  (SELECT format('%I.%I', s.nspname, q.prsname) FROM pg_ts_parser q
    JOIN pg_namespace s ON s.oid = q.prsnamespace WHERE q.oid = c.cfgparser) AS parser, NULL AS template, NULL AS options,
  ARRAY(SELECT format('%s: %s', (SELECT t.alias FROM ts_token_type(c.cfgparser) t
      WHERE t.tokid = m.maptokentype), string_agg(m.mapdict::regdictionary::text, ', '
      ORDER BY m.mapseqno))
    FROM pg_ts_config_map m WHERE m.mapcfg = c.oid GROUP BY m.maptokentype
    ORDER BY m.maptokentype) AS mapping,
  NULL::text[] AS functions,
  pg_get_userbyid(c.cfgowner) AS owner, d.description AS comment
FROM pg_ts_config c
JOIN pg_namespace n ON n.oid = c.cfgnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_config'::regclass AND d.objoid = c.oid
WHERE {own_schema:n.nspname} AND {no_member:pg_ts_config:c.oid}
UNION ALL
SELECT 'text search dictionary', format('%I.%I', n.nspname, t.dictname), NULL,
  (SELECT format('%I.%I', s.nspname, x.tmplname) FROM pg_ts_template x
    JOIN pg_namespace s ON s.oid = x.tmplnamespace WHERE x.oid = t.dicttemplate),
  t.dictinitoption, NULL, NULL, pg_get_userbyid(t.dictowner), d.description
FROM pg_ts_dict t
JOIN pg_namespace n ON n.oid = t.dictnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_dict'::regclass AND d.objoid = t.oid
WHERE {own_schema:n.nspname} AND {no_member:pg_ts_dict:t.oid}
UNION ALL
SELECT 'text search parser', format('%I.%I', n.nspname, p.prsname), NULL, NULL, NULL, NULL,
  ARRAY[p.prsstart::text, p.prstoken::text, p.prsend::text, p.prsheadline::text,
    p.prslextype::text], NULL, d.description
FROM pg_ts_parser p
JOIN pg_namespace n ON n.oid = p.prsnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_parser'::regclass AND d.objoid = p.oid
WHERE {own_schema:n.nspname} AND {no_member:pg_ts_parser:p.oid}
UNION ALL
SELECT 'text search template', format('%I.%I', n.nspname, m.tmplname), NULL, NULL, NULL, NULL,
  ARRAY[m.tmplinit::text, m.tmpllexize::text], NULL, d.description
FROM pg_ts_template m
JOIN pg_namespace n ON n.oid = m.tmplnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_template'::regclass AND d.objoid = m.oid
WHERE {own_schema:n.nspname} AND {no_member:pg_ts_template:m.oid}
