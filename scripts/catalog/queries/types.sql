-- Types: enums, domains, ranges, base types, and what belongs to composite ones. The types of
-- tables, arrays and multiranges go with what they are made for.
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range'
    ELSE 'type' END AS class,
  format('%I.%I', n.nspname, t.typname) AS name,
  CASE WHEN t.typtype = 'e' THEN
    ARRAY(SELECT quote_literal(l.enumlabel) FROM pg_enum l WHERE l.enumtypid = t.oid
      ORDER BY l.enumsortorder) END AS labels,
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
  CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) END
    AS default,
  CASE WHEN t.typtype = 'd' THEN nullif(t.typnotnull, false) END AS not_null,
  CASE WHEN t.typcollation <> coalesce(b.typcollation, t.typcollation)
    THEN t.typcollation::regcollation::text END AS collation,
  CASE WHEN r.rngtypid IS NOT NULL THEN format_type(r.rngsubtype, NULL) END AS subtype,
  CASE WHEN r.rngcollation <> 0 THEN r.rngcollation::regcollation::text END AS subtype_collation,
  (SELECT format('%I.%I', s.nspname, o.opcname) FROM pg_opclass o
    JOIN pg_namespace s ON s.oid = o.opcnamespace WHERE o.oid = r.rngsubopc) AS subtype_opclass,
  nullif(r.rngcanonical::text, '-') AS canonical, nullif(r.rngsubdiff::text, '-') AS difference,
  CASE WHEN r.rngmultitypid IS NOT NULL THEN r.rngmultitypid::regtype::text END AS multirange,
  CASE WHEN t.typtype = 'b' THEN ARRAY[t.typinput::text, t.typoutput::text, t.typreceive::text,
    t.typsend::text, t.typmodin::text, t.typmodout::text, t.typanalyze::text] END AS functions,
  CASE WHEN t.typtype = 'b' THEN nullif(t.typsubscript::text, '-') END AS subscript,
  CASE WHEN t.typtype = 'b' THEN ARRAY[t.typlen::text, t.typbyval::text, t.typalign::text,
    t.typstorage::text, t.typcategory::text, t.typispreferred::text, t.typdelim::text,
    CASE WHEN t.typelem = 0 THEN '-' ELSE format_type(t.typelem, NULL) END] END AS layout,
  CASE WHEN t.typtype = 'b' THEN t.typdefault END AS base_default,
  CASE WHEN t.typtype = 'p' THEN t.typisdefined END AS defined,
  pg_get_userbyid(t.typowner) AS owner,
  ARRAY(SELECT a::text FROM unnest(coalesce(t.typacl, acldefault('T', t.typowner))) a ORDER BY 1)
    AS privileges,
  d.description AS comment
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_description d ON d.classoid = 'pg_type'::regclass AND d.objoid = t.oid
WHERE (t.typrelid = 0 OR c.relkind = 'c') AND t.typtype <> 'm'
  AND NOT EXISTS (SELECT FROM pg_type y WHERE y.typarray = t.oid)
  AND {own_schema:n.nspname}
  AND {no_member:pg_type:t.oid}
