DO $$ BEGIN RAISE NOTICE 'it''s; %', 1; END $$;
DO LANGUAGE plpgsql $do$
BEGIN
  EXECUTE $q$ SELECT 1; $q$;
END;
$do$;
DO 'BEGIN NULL; END';
