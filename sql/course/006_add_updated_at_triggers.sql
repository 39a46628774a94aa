-- Migration: 006_add_updated_at_triggers.sql
-- Description: Keep updated_at up to date by triggers
-- Author: Upskill platform team
-- Created: 2026-11-23

-- UP: Apply migration

CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- An UPDATE that changes nothing leaves the time alone. The test stands here and not in the
    -- triggers' WHEN, which refuses NEW.* once a table has a generated column.
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION set_updated_at() IS 'Trigger function: notes when a row was changed last';

CREATE OR REPLACE TRIGGER courses_set_updated_at BEFORE UPDATE ON courses
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE OR REPLACE TRIGGER instructors_set_updated_at BEFORE UPDATE ON instructors
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE OR REPLACE TRIGGER categories_set_updated_at BEFORE UPDATE ON categories
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE OR REPLACE TRIGGER sections_set_updated_at BEFORE UPDATE ON sections
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE OR REPLACE TRIGGER lessons_set_updated_at BEFORE UPDATE ON lessons
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE OR REPLACE TRIGGER enrollments_set_updated_at BEFORE UPDATE ON enrollments
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- DOWN: Rollback migration (for use by rollback scripts)
DROP TRIGGER IF EXISTS enrollments_set_updated_at ON enrollments;
DROP TRIGGER IF EXISTS lessons_set_updated_at ON lessons;
DROP TRIGGER IF EXISTS sections_set_updated_at ON sections;
DROP TRIGGER IF EXISTS categories_set_updated_at ON categories;
DROP TRIGGER IF EXISTS instructors_set_updated_at ON instructors;
DROP TRIGGER IF EXISTS courses_set_updated_at ON courses;
DROP FUNCTION IF EXISTS set_updated_at();
