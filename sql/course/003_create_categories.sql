-- Migration: 003_create_categories.sql
-- Description: Create the tree of categories and the courses in them
-- Author: Upskill platform team
-- Created: 2026-11-23

-- UP: Apply migration

CREATE TABLE IF NOT EXISTS categories (
    id bigint GENERATED ALWAYS AS IDENTITY,
    parent_id bigint,
    slug text NOT NULL,
    name text NOT NULL,
    position integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT categories_pkey PRIMARY KEY (id),
    CONSTRAINT categories_slug_key UNIQUE (slug),
    CONSTRAINT categories_parent_id_fkey
        FOREIGN KEY (parent_id) REFERENCES categories (id) ON DELETE RESTRICT,
    CONSTRAINT categories_parent_id_check CHECK (parent_id <> id),
    CONSTRAINT categories_slug_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT categories_name_check CHECK (btrim(name) <> ''),
    CONSTRAINT categories_position_check CHECK (position > 0)
);

CREATE INDEX IF NOT EXISTS categories_parent_id_idx ON categories (parent_id, position);

COMMENT ON TABLE categories IS 'Categories of the catalogue, as a tree';
COMMENT ON COLUMN categories.parent_id IS 'The category above; NULL at the top';
COMMENT ON COLUMN categories.position IS 'Order among its siblings, from 1';

CREATE TABLE IF NOT EXISTS course_categories (
    course_id bigint NOT NULL,
    category_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT course_categories_pkey PRIMARY KEY (course_id, category_id),
    CONSTRAINT course_categories_course_id_fkey
        FOREIGN KEY (course_id) REFERENCES courses (id) ON DELETE CASCADE,
    CONSTRAINT course_categories_category_id_fkey
        FOREIGN KEY (category_id) REFERENCES categories (id) ON DELETE RESTRICT
);

CREATE INDEX IF NOT EXISTS course_categories_category_id_idx ON course_categories (category_id);

COMMENT ON TABLE course_categories IS 'Which course is in which category';

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS course_categories;
-- DROP TABLE IF EXISTS categories;
