-- Migration: 001_initial_course_schema.sql
-- Description: Create the courses of the catalogue
-- Author: Upskill platform team
-- Created: 2026-11-23

-- UP: Apply migration

-- Keys are bigint identities throughout this database: half the size of a uuid in every foreign key,
-- and rows that are read together lie together. What the outside sees is the slug.

CREATE TABLE IF NOT EXISTS courses (
    id bigint GENERATED ALWAYS AS IDENTITY,
    slug text NOT NULL,
    title text NOT NULL,
    summary text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    level text NOT NULL DEFAULT 'beginner',
    language text NOT NULL DEFAULT 'en',
    status text NOT NULL DEFAULT 'draft',
    price_minor bigint NOT NULL DEFAULT 0,
    currency char(3) NOT NULL DEFAULT 'EUR',
    published_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT courses_pkey PRIMARY KEY (id),
    CONSTRAINT courses_slug_key UNIQUE (slug),
    CONSTRAINT courses_slug_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT courses_title_check CHECK (btrim(title) <> ''),
    CONSTRAINT courses_level_check CHECK (level IN ('beginner', 'intermediate', 'advanced')),
    CONSTRAINT courses_language_check CHECK (language ~ '^[a-z]{2}(-[A-Z]{2})?$'),
    CONSTRAINT courses_status_check CHECK (status IN ('draft', 'published', 'archived')),
    CONSTRAINT courses_price_minor_check CHECK (price_minor >= 0),
    CONSTRAINT courses_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT courses_published_at_check CHECK (status <> 'published' OR published_at IS NOT NULL)
);

-- The catalogue page: what is published, the newest first.
CREATE INDEX IF NOT EXISTS courses_published_at_idx ON courses (published_at DESC, id)
    WHERE status = 'published';

COMMENT ON TABLE courses IS 'Courses of the catalogue, published or not';
COMMENT ON COLUMN courses.slug IS 'The course in URLs: small letters, digits and single hyphens';
COMMENT ON COLUMN courses.price_minor IS 'Price in the minor unit of the currency, such as cents; 0 is free';
COMMENT ON COLUMN courses.currency IS 'ISO 4217 code';
COMMENT ON COLUMN courses.language IS 'Language of the lessons: ISO 639-1, with a region where it matters';
COMMENT ON COLUMN courses.published_at IS 'First publication; stays when the course is archived';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS courses;
