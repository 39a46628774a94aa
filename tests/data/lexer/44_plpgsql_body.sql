CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  note text := 'it''s; -- no comment';
BEGIN
  -- isn't; /* open
  IF NEW.a THEN NEW.updated_at := now(); END IF;
  CASE WHEN true THEN NULL; END CASE;
  RETURN NEW;
END;
$body$;
SELECT 1;
