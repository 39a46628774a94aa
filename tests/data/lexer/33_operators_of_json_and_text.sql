SELECT j->'a', j->>'b;', j @> '{}', j <@ '{}', j ? 'k', j ?| ARRAY['a;'], j ?& ARRAY['b'], j @? '$.a', j @@ '$.b > 1';
SELECT a || ';' || b, a ~~ '%;', a !~* 'x', |/ 25.0, @ -5, a <-> b, a *<> b;
