-- Migration: 011_grant_application.sql
-- Description: Let the application read and write, and no more
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- The role is the server's, not the database's: where whoever migrates may not create it, an
-- administrator does, once: CREATE ROLE upskill_course_app NOLOGIN. Its login is GRANTed the role.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upskill_course_app') THEN
        CREATE ROLE upskill_course_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- the run on another database was faster
END $$;
GRANT USAGE ON SCHEMA public TO upskill_course_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    courses, instructors, course_instructors, categories, course_categories, sections, lessons,
    enrollments, coupons, orders, order_items, payments, reviews
    TO upskill_course_app;
REVOKE EXECUTE ON FUNCTION redeem_coupon(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION redeem_coupon(text) TO upskill_course_app;

-- DOWN: Rollback migration (for use by rollback scripts)
-- GRANT EXECUTE ON FUNCTION redeem_coupon(text) TO PUBLIC;
-- REVOKE EXECUTE ON FUNCTION redeem_coupon(text) FROM upskill_course_app;
-- REVOKE SELECT, INSERT, UPDATE, DELETE ON
--     courses, instructors, course_instructors, categories, course_categories, sections, lessons,
--     enrollments, coupons, orders, order_items, payments, reviews
--     FROM upskill_course_app;
-- REVOKE USAGE ON SCHEMA public FROM upskill_course_app;
