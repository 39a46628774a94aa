-- Migration: 024_create_lesson_events.sql
-- Description: Keep what happens in lessons, a partition for each month
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- Keys of the other tables are bigint identities; an event's is made by whoever sends it, so it is a
-- uuid. The partition by default is a net: events of a month that has no partition are kept in it,
-- and move when there is one. A clock that is wrong by centuries is refused: a month is a partition.
CREATE TABLE IF NOT EXISTS lesson_events (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    happened_at timestamptz NOT NULL DEFAULT now(),
    user_id text NOT NULL,
    lesson_id bigint NOT NULL,
    kind text NOT NULL,
    at_seconds integer,
    CONSTRAINT lesson_events_pkey PRIMARY KEY (happened_at, id),
    CONSTRAINT lesson_events_lesson_id_fkey
        FOREIGN KEY (lesson_id) REFERENCES lessons (id) ON DELETE CASCADE,
    CONSTRAINT lesson_events_happened_at_check
        CHECK (happened_at >= '2000-01-01 00:00+00' AND happened_at < '3000-01-01 00:00+00'),
    CONSTRAINT lesson_events_kind_check
        CHECK (kind IN ('opened', 'played', 'paused', 'finished', 'asked')),
    CONSTRAINT lesson_events_at_seconds_check CHECK (at_seconds >= 0)
) PARTITION BY RANGE (happened_at);
CREATE INDEX IF NOT EXISTS lesson_events_user_id_happened_at_idx
    ON lesson_events (user_id, happened_at);
CREATE INDEX IF NOT EXISTS lesson_events_lesson_id_happened_at_idx
    ON lesson_events (lesson_id, happened_at);
COMMENT ON TABLE lesson_events IS
    'What happens in lessons, as statistics need it; the application sees the rows of the user that app.user_id names';
COMMENT ON COLUMN lesson_events.id IS 'Made by whoever sends it, or here; unique together with happened_at';
COMMENT ON COLUMN lesson_events.happened_at IS 'When; says which partition it is in. Who sends an event again sends it with the same id and time';
COMMENT ON COLUMN lesson_events.user_id IS
    'The person''s id in the auth database; no foreign key can reach it';
COMMENT ON COLUMN lesson_events.lesson_id IS 'In which lesson';
COMMENT ON COLUMN lesson_events.kind IS 'opened, played, paused, finished or asked';
COMMENT ON COLUMN lesson_events.at_seconds IS 'At which second of the video; NULL where there is none';
CREATE TABLE IF NOT EXISTS lesson_events_default PARTITION OF lesson_events DEFAULT;
COMMENT ON TABLE lesson_events_default IS 'Events of months that have no partition yet';

CREATE OR REPLACE FUNCTION make_lesson_events_partition(month date) RETURNS text
LANGUAGE plpgsql
SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '500ms' AS $$
DECLARE
    first timestamptz := date_trunc('month', month::timestamptz);
    after timestamptz := first + interval '1 month';
    name text := 'lesson_events_' || to_char(first, 'YYYY_MM');
BEGIN
    IF first IS NULL OR NOT isfinite(first) THEN
        RAISE 'make_lesson_events_partition takes a day of the month that it makes, not %', month;
    END IF;
    -- Two at once: the second one waits, and finds what the first has made.
    PERFORM pg_advisory_xact_lock(hashtext('make_lesson_events_partition'));
    IF EXISTS (
        SELECT FROM pg_inherits
        WHERE inhparent = 'lesson_events'::regclass AND inhrelid = to_regclass(quote_ident(name))
    ) THEN
        RETURN name;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE lesson_events INCLUDING ALL)', name);
    EXECUTE format('COMMENT ON TABLE %I IS %L', name, 'Events of ' || to_char(first, 'YYYY-MM'));
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I OWNER TO %I', name, (
        SELECT rolname FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
        WHERE pg_class.oid = 'lesson_events'::regclass
    ));
    -- What is being written is waited for, and moves too.
    LOCK TABLE lesson_events_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format(
        'WITH moved AS (DELETE FROM lesson_events_default
            WHERE happened_at >= %L AND happened_at < %L RETURNING *)
        INSERT INTO %I SELECT * FROM moved', first, after, name
    );
    EXECUTE format(
        'ALTER TABLE lesson_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, first, after
    );
    RETURN name;
END $$;
COMMENT ON FUNCTION make_lesson_events_partition(date) IS
    'Makes the partition of a month (UTC), moves into it what was in the one by default, and returns its name; nothing to do if it is there. Waits half a second for locks, no longer: call it again';

CREATE OR REPLACE FUNCTION make_lesson_events_partitions() RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '500ms' AS $$
DECLARE
    month date;
    months date[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('make_lesson_events_partition'));
    -- First read, then change: a table that is being read cannot be altered.
    months := ARRAY(
        SELECT date_trunc('month', now())::date
        UNION SELECT (date_trunc('month', now()) + interval '1 month')::date
        UNION SELECT date_trunc('month', happened_at)::date FROM lesson_events_default
        ORDER BY 1
    );
    FOREACH month IN ARRAY months LOOP
        BEGIN
            RETURN NEXT make_lesson_events_partition(month);
        EXCEPTION WHEN duplicate_table THEN
            -- One that was detached and kept. The other months do not wait for it.
            RAISE WARNING 'events of % stay in lesson_events_default: %', month, SQLERRM
                USING HINT = 'rename the table, or attach it again';
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION make_lesson_events_partitions() IS
    'Makes the partitions of this month, the next one, and each month that is still in the one by default; returns their names. For a job of the owner, every day';
REVOKE EXECUTE ON FUNCTION make_lesson_events_partition(date), make_lesson_events_partitions()
    FROM PUBLIC;

-- Policies and rights of the whole hold for what is read and written through it. A partition has no
-- policy: whoever has been given a right on it by default sees nothing.
ALTER TABLE lesson_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE lesson_events_default ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS lesson_events_own_rows ON lesson_events;
CREATE POLICY lesson_events_own_rows ON lesson_events TO upskill_course_app
    USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')));
GRANT SELECT, INSERT ON lesson_events TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP FUNCTION IF EXISTS make_lesson_events_partitions();
-- DROP FUNCTION IF EXISTS make_lesson_events_partition(date);
-- DROP TABLE IF EXISTS lesson_events;
