-- One of every class of objects, for the tests of the catalog. Runs on PostgreSQL 15 and later.
CREATE SCHEMA app;
CREATE SCHEMA "Odd schema";
COMMENT ON SCHEMA app IS 'The application''s';
SET search_path = app, public;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a integer, b text COLLATE "C");
CREATE DOMAIN positive AS integer DEFAULT 1 CONSTRAINT positive_check CHECK (VALUE > 0);
CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE shell;
CREATE COLLATION plain (provider = libc, locale = 'C');

CREATE TABLE authors (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text,
    mood mood DEFAULT 'ok',
    born date DEFAULT '2000-01-02',
    whole text GENERATED ALWAYS AS (name || email) STORED
);
CREATE TABLE books (
    id serial PRIMARY KEY,
    author_id bigint NOT NULL CONSTRAINT books_author REFERENCES authors (id) ON DELETE CASCADE,
    title varchar(100) NOT NULL,
    price numeric(10, 2) CHECK (price >= 0),
    pages integer,
    tags text[],
    data jsonb,
    lent tstzrange,
    CONSTRAINT books_title UNIQUE (title) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT books_lent EXCLUDE USING gist (lent WITH &&)
) WITH (fillfactor = 90);
COMMENT ON TABLE books IS 'All of them';
COMMENT ON COLUMN books.title IS 'As on the cover';
COMMENT ON CONSTRAINT books_author ON books IS 'Who wrote it';
CREATE INDEX books_pages ON books (pages) WHERE pages > 10;
CREATE INDEX books_lower ON books (lower(title) text_pattern_ops, (pages + 1) DESC NULLS LAST)
    INCLUDE (price);
COMMENT ON INDEX books_pages IS 'Thick ones';
CREATE STATISTICS books_stats (dependencies) ON pages, price FROM books;
CREATE TABLE "Odd schema"."Odd table" ("Odd column" integer, "select" text);
CREATE TABLE unused (id integer);
CREATE UNLOGGED TABLE cache (k text, v text);
CREATE TABLE child (extra integer) INHERITS (unused);

CREATE TABLE events (id bigint, at timestamptz NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE events_2026 PARTITION OF events
    FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2027-01-01 00:00+00');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_kind ON events (kind);

CREATE SEQUENCE numbers START 10 INCREMENT 5 MAXVALUE 1000;

CREATE VIEW thick AS SELECT b.id, b.title FROM books b WHERE b.pages > 500;
CREATE VIEW safe WITH (security_barrier) AS SELECT id FROM authors;
CREATE MATERIALIZED VIEW counted AS SELECT author_id, count(*) AS books FROM books GROUP BY 1;
CREATE UNIQUE INDEX counted_author ON counted (author_id);

CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE AGGREGATE total (integer) (sfunc = int4pl, stype = integer, initcond = '0');
CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;

CREATE TRIGGER books_touched BEFORE UPDATE ON books FOR EACH ROW EXECUTE FUNCTION touched();
CREATE EVENT TRIGGER noted ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION noted();
CREATE RULE nothing AS ON DELETE TO unused DO INSTEAD NOTHING;

CREATE FUNCTION of_mood(mood) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;
CREATE CAST (mood AS integer) WITH FUNCTION of_mood(mood) AS ASSIGNMENT;
CREATE FUNCTION near(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS 'SELECT abs($1 - $2) < 2';
CREATE OPERATOR ~~~ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = near, COMMUTATOR = ~~~);
CREATE OPERATOR FAMILY fam USING btree;
CREATE OPERATOR CLASS backwards FOR TYPE integer USING btree FAMILY fam AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <,
    FUNCTION 1 btint4cmp(integer, integer);
CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;

CREATE TEXT SEARCH DICTIONARY short (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR asciiword, word WITH short, simple;
CREATE TEXT SEARCH PARSER mine (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
    LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE plain (INIT = dsimple_init, LEXIZE = dsimple_lexize);

ALTER TABLE authors ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON authors FOR SELECT TO CURRENT_USER USING (name = CURRENT_USER);
GRANT SELECT ON books TO PUBLIC;
GRANT UPDATE (title) ON books TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;

CREATE PUBLICATION changes FOR TABLE authors (id, name) WHERE (id > 0);
CREATE SUBSCRIPTION copies CONNECTION 'host=nowhere password=secret' PUBLICATION changes
    WITH (connect = false, slot_name = NONE);
CREATE FOREIGN DATA WRAPPER far;
CREATE SERVER far_server TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER far OPTIONS (host 'nowhere');
CREATE USER MAPPING FOR CURRENT_USER SERVER far_server OPTIONS (password 'secret');
CREATE FOREIGN TABLE far_table (id integer OPTIONS (key 'true')) SERVER far_server
    OPTIONS (name 'there');
CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;
SELECT lo_create(4242);
COMMENT ON LARGE OBJECT 4242 IS 'A picture';
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = %L', current_database(), '8MB'); END $$;
DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), 'Ours'); END $$;
