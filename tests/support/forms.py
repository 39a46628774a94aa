"""Forms of SQL in which a secret, or a row's value, reaches the server: each fails there.

`{t}` is the token. Ahead of a form stands what is applied by an earlier migration, `BEFORE`: the
tables `held (v text, n int)`, with the token in a row, and `t (a text, b text)`, which is empty.
"""

from __future__ import annotations

from dataclasses import dataclass

BEFORE = """
CREATE TABLE t (a text UNIQUE, b text, CHECK (b <> a));
CREATE TABLE parent (a text PRIMARY KEY);
CREATE TABLE twice (v text, n int);
CREATE TABLE held (v text, n int);
INSERT INTO held SELECT '{t}', 1;
INSERT INTO twice SELECT v, n FROM held, generate_series(1, 2);
CREATE DOMAIN short AS text CHECK (length(VALUE) < 3);
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE VIEW few AS SELECT a, b FROM t WHERE a < b WITH CHECK OPTION;
CREATE TABLE parts (v text) PARTITION BY LIST (v);
CREATE FUNCTION spoken(x text) RETURNS text LANGUAGE plpgsql
  AS $$ BEGIN RAISE NOTICE '%', x; RAISE EXCEPTION '%', x; END $$;
CREATE FUNCTION checked() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN RAISE EXCEPTION 'no %', NEW.v USING DETAIL = NEW.v, HINT = NEW.v; END $$;
CREATE TABLE late (v text UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE watched (v text);
CREATE TRIGGER w BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION checked();
"""


@dataclass(frozen=True, slots=True)
class Form:
    """A statement that fails, with the token in it or in a row that it meets."""

    name: str
    sql: str
    header: str = ""


def _do(body: str) -> str:
    return f"DO $do$ DECLARE x text; BEGIN SELECT v INTO STRICT x FROM held; {body} END $do$"


_FORMS = {
    # Roles and users
    "role": "CREATE ROLE r PASSWORD '{t}'",
    "role unquoted": "CREATE ROLE r PASSWORD {t}",
    "role in a name's quotes": 'CREATE ROLE r PASSWORD "{t}"',
    "role dollar": "CREATE ROLE r PASSWORD $q${t}$q$",
    "role escape": "CREATE ROLE r PASSWORD E'{t}\\n'",
    "role unicode": "CREATE ROLE r PASSWORD U&'{t}'",
    "role comment": "CREATE ROLE r PASSWORD NULL /* was {t} */",
    "user": "CREATE USER r ENCRYPTED PASSWORD '{t}' VALID UNTIL 'never'",
    "alter role": "ALTER ROLE nobody PASSWORD '{t}'",
    "alter user": "ALTER USER nobody WITH PASSWORD '{t}'",
    "role far behind": "SELECT 1/0, {blanks} '{t}' AS smtp_password",
    "role setting": "ALTER ROLE nobody SET app.jwt_secret = '{t}'",
    # Servers, mappings, subscriptions, connection strings
    "user mapping": "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'a', password '{t}')",
    "user mapping, another word": "CREATE USER MAPPING FOR a SERVER s OPTIONS (\"key\" '{t}')",
    "alter mapping": "ALTER USER MAPPING FOR a SERVER s OPTIONS (SET password '{t}')",
    "server": "CREATE SERVER s FOREIGN DATA WRAPPER nowhere OPTIONS (host '{t}')",
    "alter server": "ALTER SERVER s OPTIONS (ADD passfile '{t}')",
    "foreign table": "CREATE FOREIGN TABLE f (a int) SERVER s OPTIONS (auth '{t}')",
    "wrapper": "CREATE FOREIGN DATA WRAPPER w OPTIONS (pass '{t}', pass '{t}')",
    "alter subscription": "ALTER SUBSCRIPTION s CONNECTION 'host=h password={t}'",
    "subscription url": "ALTER SUBSCRIPTION s CONNECTION 'postgresql://u:p@{t}@h/d'",
    "dblink": "SELECT dblink('host=h user=u password={t}', 'SELECT 1')",
    "dblink url": "SELECT dblink('postgresql://u:{t}@h/d', 'SELECT 1')",
    "dblink_connect": "SELECT dblink_connect('c', 'pw={t}')",
    "url": "SELECT 1/0, 'https://u:{t}@example.org/x'",
    "url with two at signs": "SELECT 1/0, 'postgresql://u:p@{t}@h/d'",
    "url parameter": "SELECT 1/0, 'postgresql://h/d?user=u&password={t}'",
    # Words beside it
    "column pass": "INSERT INTO t (pass) VALUES ('{t}')",
    "column pw": "INSERT INTO t (pw) VALUES ('{t}')",
    "column passphrase": "UPDATE t SET passphrase = '{t}'",
    "column apiKey": "INSERT INTO t (\"apiKey\") VALUES ('{t}')",
    "authorization": "SELECT 1/0, 'Authorization: Bearer {t}'",
    "json": 'INSERT INTO nowhere VALUES (\'{{"password": "{t}"}}\')',
    "json key": 'INSERT INTO nowhere VALUES (\'{{"apiKey": "{t}"}}\')',
    "json that is none": "SELECT '{{\"a\": {t}}}'::json",
    "jsonb of a row": "SELECT v::jsonb FROM held",
    "json path": "SELECT v::jsonpath FROM held",
    "crypt": "SELECT crypt('{t}', gen_salt('bf'))",
    "encrypt": "SELECT pgp_sym_encrypt('x', '{t}')",
    "hmac": "SELECT hmac('x', '{t}', 'sha256')",
    "set_config": "SELECT set_config('app.key', '{t}', true), 1/0",
    "syntax after a telling word": "SELECT 'x' AS token {t} {t}",
    # COPY
    "copy program": "COPY t FROM PROGRAM 'curl -u me:{t} http://h'",
    "copy option": "COPY t FROM '/nowhere' WITH (FORMAT csv, NULL '{t}', NULL '{t}')",
    "copy file": "COPY t TO '/nowhere/{t}'",
    # DO and RAISE
    "do role": "DO $$ BEGIN EXECUTE 'CREATE ROLE r PASSWORD ''{t}'''; END $$",
    "do format": "DO $$ BEGIN EXECUTE format('CREATE ROLE r PASSWORD %L', '{t}'); END $$",
    "raise": _do("RAISE EXCEPTION 'bad: %', x;"),
    "raise alone": _do("RAISE EXCEPTION '%', x;"),
    "raise message": _do("RAISE EXCEPTION USING MESSAGE = 'bad ' || x;"),
    "raise detail": _do("RAISE EXCEPTION 'bad' USING DETAIL = x, HINT = x;"),
    "raise code": _do("RAISE EXCEPTION 'bad %', x USING ERRCODE = '42501';"),
    "raise fields": _do(
        "RAISE EXCEPTION 'bad %', x USING ERRCODE = '23505', COLUMN = x, TABLE = x, CONSTRAINT = x;"
    ),
    "raise condition": _do("RAISE unique_violation USING MESSAGE = x;"),
    "raise in English of the server": _do(
        "RAISE EXCEPTION 'column \"%\" does not exist', x USING ERRCODE = '42703';"
    ),
    "notice": _do("RAISE NOTICE 'got %', x; RAISE WARNING '%', x; PERFORM 1/0;"),
    "notice as the server's": _do(
        "RAISE NOTICE 'table \"%\" does not exist, skipping', x; PERFORM 1/0;"
    ),
    "a notice and a key": _do("RAISE NOTICE 'got %', x;")
    + "; ALTER TABLE twice ADD PRIMARY KEY (v)",
    "assert": _do("ASSERT false, x;"),
    "execute": _do("EXECUTE x;"),
    "execute column": _do("EXECUTE 'SELECT ' || x || ' FROM held';"),
    "execute function": _do("EXECUTE 'SELECT ' || x || '()';"),
    "execute literal": _do("EXECUTE format('SELECT %L::int', x);"),
    "execute table": _do("EXECUTE format('DROP TABLE %I', x);"),
    "execute role": _do("EXECUTE format('CREATE ROLE nobody IN ROLE %I', x);"),
    "function": "SELECT spoken(v) FROM held",
    "trigger": "INSERT INTO watched SELECT v FROM held",
    # Constraints
    "unique index": "CREATE UNIQUE INDEX ON twice (v)",
    "unique index, an expression": "CREATE UNIQUE INDEX ON twice (lower(v))",
    "unique constraint": "ALTER TABLE twice ADD CONSTRAINT once UNIQUE (v, n)",
    "primary key": "ALTER TABLE twice ADD PRIMARY KEY (v)",
    "unique row": "INSERT INTO t (a) SELECT v FROM twice",
    "unique literal": "INSERT INTO t (a) VALUES ('{t}'), ('{t}')",
    "check": "ALTER TABLE held ADD CONSTRAINT small CHECK (length(v) < 3)",
    "check row": "INSERT INTO t SELECT v, v FROM held",
    "check literal": "INSERT INTO t VALUES ('{t}', '{t}')",
    "not null": "ALTER TABLE held ADD COLUMN c int NOT NULL",
    "not null row": "INSERT INTO parent SELECT NULL FROM held",
    "foreign key": "ALTER TABLE held ADD FOREIGN KEY (v) REFERENCES parent (a)",
    "unique at the commit": "INSERT INTO late SELECT v FROM twice",
    "exclusion": "ALTER TABLE twice ADD EXCLUDE USING btree (v WITH =)",
    "partition": "INSERT INTO parts SELECT v FROM held",
    "generated": "ALTER TABLE held ADD COLUMN g int GENERATED ALWAYS AS (v::int) STORED",
    "domain": "SELECT v::short FROM held",
    "view": "INSERT INTO few SELECT v, '' FROM held",
    # Values that something is made of
    "cast": "SELECT v::int FROM held",
    "cast of a literal": "SELECT '{t}'::int",
    "cast to a date": "SELECT v::date FROM held",
    "cast to an array": "SELECT ('{{' || v)::int[] FROM held",
    "cast to an enum": "SELECT v::mood FROM held",
    "cast to uuid": "SELECT v::uuid FROM held",
    "cast to a network": "ALTER TABLE held ALTER v TYPE inet USING v::inet",
    "cast to a type of a class": "SELECT v::regclass FROM held",
    "cast to a role": "SELECT v::regrole FROM held",
    "new type": "ALTER TABLE held ALTER v TYPE int USING v::int",
    "quotes in it": "SELECT ('\"' || v || '\" ' || v)::int FROM held",
    "to_date": "SELECT to_date(v, 'YYYY') FROM held",
    "to_number": "SELECT pg_size_bytes(v) FROM held",
    "regular expression": "SELECT 'a' ~ ('(' || v) FROM held",
    "division": "SELECT 1 / (n - 1), v FROM held",
    "time zone": "SELECT now() AT TIME ZONE v FROM held",
    "setting": "SELECT set_config('work_mem', v, true) FROM held",
    "unknown setting": "SELECT current_setting(v) FROM held",
    "sequence": "SELECT nextval(v::text) FROM held",
    "xml": "SELECT xmlparse(DOCUMENT v) FROM held",
    "text search": "SELECT to_tsquery('simple', v || ' (') FROM held",
}
FORMS = (
    *(Form(name, sql) for name, sql in _FORMS.items()),
    Form("outside: index", "CREATE UNIQUE INDEX CONCURRENTLY i ON twice (v)", "none"),
    Form("outside: cast", "SELECT v::int FROM held", "none"),
    Form(
        "subscription",
        "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere password={t}' PUBLICATION p",
        "none",
    ),
)
