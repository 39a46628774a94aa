-- A name, or what decides on others' texts, goes to another object: what is there first, and the change.

-- schema drop+rename
CREATE SCHEMA old;
CREATE SCHEMA live;
CREATE TABLE live.t(id int);
--
DROP SCHEMA old CASCADE;
ALTER SCHEMA live RENAME TO old;

-- schema swap
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE TABLE a.t(id int);
--
ALTER SCHEMA a RENAME TO c;
ALTER SCHEMA b RENAME TO a;
ALTER SCHEMA c RENAME TO b;

-- column drop+rename, fk
CREATE TABLE t(id int, new_id int UNIQUE);
CREATE TABLE o(t int REFERENCES t(new_id));
--
ALTER TABLE t DROP COLUMN id;
ALTER TABLE t RENAME COLUMN new_id TO id;

-- column drop+rename, publication
CREATE TABLE t(id int, new_id int UNIQUE);
CREATE PUBLICATION p FOR TABLE t (new_id);
--
ALTER TABLE t DROP COLUMN id;
ALTER TABLE t RENAME COLUMN new_id TO id;

-- column drop+rename, statistics
CREATE TABLE t(id int, new_id int, b int);
CREATE STATISTICS s ON new_id, b FROM t;
--
ALTER TABLE t DROP COLUMN id;
ALTER TABLE t RENAME COLUMN new_id TO id;

-- column drop+rename, serial
CREATE TABLE t(id int, new_id serial);
--
ALTER TABLE t DROP COLUMN id;
ALTER TABLE t RENAME COLUMN new_id TO id;

-- column drop+rename, RETURN fn
CREATE TABLE t(id int, new_id int);
CREATE FUNCTION f() RETURNS bigint RETURN (SELECT sum(new_id) FROM t);
--
ALTER TABLE t DROP COLUMN id;
ALTER TABLE t RENAME COLUMN new_id TO id;

-- column drop+rename, ATOMIC fn
CREATE TABLE t(id int, new_id int);
CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT sum(new_id) FROM t; END;
--
ALTER TABLE t DROP COLUMN id;
ALTER TABLE t RENAME COLUMN new_id TO id;

-- RETURN fn, add column
CREATE TABLE a(id int, n int);
CREATE TABLE b(id int, m int);
CREATE FUNCTION f() RETURNS bigint RETURN (SELECT count(*) FROM a JOIN b USING (id));
--
ALTER TABLE a ADD COLUMN more text;

-- function drop+rename, trigger
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE t(id int);
CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g();
--
DROP FUNCTION f();
ALTER FUNCTION g() RENAME TO f;

-- function drop+rename, default
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE TABLE t(id int DEFAULT g());
CREATE VIEW v AS SELECT g() AS x;
--
DROP FUNCTION f();
ALTER FUNCTION g() RENAME TO f;

-- domain drop+rename
CREATE DOMAIN d AS int;
CREATE DOMAIN e AS int CHECK (VALUE>0);
CREATE TABLE t(id e);
--
DROP DOMAIN d;
ALTER DOMAIN e RENAME TO d;

-- enum drop+rename same labels
CREATE TYPE d AS ENUM('a');
CREATE TYPE e AS ENUM('a');
CREATE TABLE t(id e);
--
DROP TYPE d;
ALTER TYPE e RENAME TO d;

-- enum swap
CREATE TYPE d AS ENUM('a');
CREATE TYPE e AS ENUM('a');
CREATE TABLE t(id e);
--
ALTER TYPE d RENAME TO x;
ALTER TYPE e RENAME TO d;
ALTER TYPE x RENAME TO e;

-- range drop+rename
CREATE TYPE d AS RANGE(subtype=int4);
CREATE TYPE e AS RANGE(subtype=int8);
CREATE TABLE t(id e);
--
DROP TYPE d;
ALTER TYPE e RENAME TO d;

-- collation drop+rename
CREATE COLLATION d (provider=libc, locale='C');
CREATE COLLATION e (provider=libc, locale='C');
CREATE TABLE t(id text COLLATE e);
--
DROP COLLATION d;
ALTER COLLATION e RENAME TO d;

-- function swap
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE TABLE t(id int DEFAULT g());
--
ALTER FUNCTION f() RENAME TO h;
ALTER FUNCTION g() RENAME TO f;
ALTER FUNCTION h() RENAME TO g;

-- composite const, add attr
CREATE TYPE p AS (a int, b text);
CREATE TABLE t(id int, c p DEFAULT '(1,x)'::p);
--
ALTER TYPE p ADD ATTRIBUTE c int;

-- composite const fn default
CREATE TYPE p AS (a int, b text);
CREATE FUNCTION f(x p DEFAULT '(1,x)'::p) RETURNS int LANGUAGE sql AS 'SELECT 1';
--
ALTER TYPE p ADD ATTRIBUTE c int;

-- rowtype const, add col
CREATE TABLE p(a int, b text);
CREATE TABLE t(id int, c p DEFAULT '(1,x)'::p);
--
ALTER TABLE p ADD COLUMN c int;

-- row check
CREATE TYPE p AS (a int, b text);
CREATE TABLE t(id int, c p CHECK (c <> ROW(1,'x')::p));
--
ALTER TYPE p ADD ATTRIBUTE c int;

-- attr drop+rename index
CREATE TYPE p AS (a int, b int);
CREATE TABLE t(c p);
CREATE INDEX i ON t (((c).b));
--
ALTER TYPE p DROP ATTRIBUTE a;
ALTER TYPE p RENAME ATTRIBUTE b TO a;

-- server drop+rename
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s1 FOREIGN DATA WRAPPER w;
CREATE SERVER s2 FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE ft(id int) SERVER s2;
--
DROP SERVER s1;
ALTER SERVER s2 RENAME TO s1;

-- operator drop+set schema
CREATE SCHEMA s;
CREATE FUNCTION nr(int,int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1=$2';
CREATE OPERATOR public.~~~ (LEFTARG=int,RIGHTARG=int,FUNCTION=nr);
CREATE OPERATOR s.~~~ (LEFTARG=int,RIGHTARG=int,FUNCTION=nr);
CREATE TABLE t(id int CHECK (id OPERATOR(s.~~~) 1));
--
DROP OPERATOR public.~~~ (int,int);
ALTER OPERATOR s.~~~ (int,int) SET SCHEMA public;

-- index drop+rename partition parents
CREATE TABLE p(id int, j int) PARTITION BY LIST(id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE INDEX a ON p(id);
CREATE INDEX b ON p(j);
--
DROP INDEX a;
ALTER INDEX b RENAME TO a;

-- constraint trigger on pkey / comments
CREATE TABLE t(id int PRIMARY KEY);
--
COMMENT ON CONSTRAINT t_pkey ON t IS 'x'; COMMENT ON INDEX t_pkey IS 'y';

-- ts config const
CREATE TEXT SEARCH CONFIGURATION c1 (COPY=simple);
CREATE TEXT SEARCH CONFIGURATION c2 (COPY=simple);
CREATE TABLE t(a text);
CREATE INDEX i ON t USING gin(to_tsvector('c2'::regconfig,a));
--
DROP TEXT SEARCH CONFIGURATION c1;
ALTER TEXT SEARCH CONFIGURATION c2 RENAME TO c1;

-- extension fn rename
CREATE EXTENSION hstore;
CREATE TABLE t(a hstore DEFAULT hstore('a','b'));
--
ALTER FUNCTION hstore(text,text) RENAME TO hs;

-- extension type set
CREATE EXTENSION hstore;
CREATE TABLE t(a hstore);
--
ALTER TYPE hstore RENAME TO hst;

-- regnamespace const
CREATE SCHEMA s1;
CREATE SCHEMA s0;
CREATE TABLE t(a regnamespace DEFAULT 's1'::regnamespace);
--
DROP SCHEMA s0;
ALTER SCHEMA s1 RENAME TO s0;

-- regtype const table swap
CREATE TABLE x(i int);
CREATE TABLE t(a regtype DEFAULT 'x'::regtype);
--
ALTER TABLE x RENAME TO y;

-- cast opclass default
CREATE DOMAIN dd AS text;
CREATE TABLE t(a dd);
CREATE INDEX i ON t(a text_pattern_ops);
--
CREATE OPERATOR CLASS mine DEFAULT FOR TYPE dd USING btree AS OPERATOR 1 ~<~(text,text), OPERATOR 3 =(text,text), FUNCTION 1 bttext_pattern_cmp(text,text);

-- type storage
CREATE TYPE p AS ENUM('a');
CREATE TYPE bb;
CREATE FUNCTION bi(cstring) RETURNS bb LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION bo(bb) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE bb (INPUT=bi,OUTPUT=bo,STORAGE=extended);
CREATE TABLE t(x bb);
--
ALTER TYPE bb SET (STORAGE=external);

-- view reading view drop/rename of column through replace
CREATE TABLE a(id int,x int);
CREATE VIEW v AS SELECT * FROM a;
CREATE VIEW w AS SELECT v.x FROM v JOIN a USING (id);
--
CREATE OR REPLACE VIEW v AS SELECT id,x, 1 AS y FROM a;

-- view on function returning table type
CREATE TABLE a(id int,x int);
CREATE FUNCTION f() RETURNS SETOF a LANGUAGE sql AS 'SELECT * FROM a';
CREATE VIEW w AS SELECT * FROM f();
--
ALTER TABLE a ADD COLUMN z int;

-- typed table
CREATE TYPE p AS (a int, b int);
CREATE TABLE t OF p;
--
ALTER TYPE p ADD ATTRIBUTE c int CASCADE;

-- policy on extension / rule
CREATE TABLE a(id int,b int);
CREATE TABLE c(id int);
CREATE RULE r AS ON INSERT TO c DO ALSO INSERT INTO a SELECT * FROM a;
--
ALTER TABLE a ADD z int;

-- constraint swap idx of_constraint
CREATE TABLE a(id int,b int, CONSTRAINT k1 UNIQUE(id), CONSTRAINT k2 UNIQUE(b));
CREATE TABLE c(x int REFERENCES a(b));
--
ALTER TABLE a DROP CONSTRAINT k1;
ALTER TABLE a RENAME CONSTRAINT k2 TO k1;

-- attach/detach
CREATE TABLE p(id int PRIMARY KEY) PARTITION BY RANGE(id);
CREATE TABLE q(id int PRIMARY KEY);
CREATE TABLE o(x int REFERENCES p);
--
ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (1) TO (2);

-- inherit add parent col
CREATE TABLE p(id int);
CREATE TABLE q(x int) INHERITS (p);
--
ALTER TABLE p ADD COLUMN z int DEFAULT 1 CHECK (z>0);

-- vacuum full catalog
CREATE TABLE p(id int); DROP TABLE p;
CREATE TABLE q(i int);
--
ALTER TABLE q ADD z int;

-- a member that the server came with
CREATE SCHEMA apart;
CREATE EXTENSION hstore SCHEMA apart;
--
ALTER EXTENSION hstore ADD SCHEMA public;
