SELECT 5 # 3; SELECT j #> '{a}', j #>> '{b;c}', a ## b, j #- '{x}';
SELECT 1 # it; -- not a comment
