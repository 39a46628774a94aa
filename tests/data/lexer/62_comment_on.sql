COMMENT ON TABLE t IS 'it''s; a table';
COMMENT ON COLUMN t.a IS E'it\'s; a column';
COMMENT ON TABLE "t;" IS NULL;
