SELECT E'it\'s; one', e'two''s; ', E'\\';
SELECT E'\\\';', E'\n\x41\101', E'';
SELECT E'\\''; still', E'a''\';', 1;
