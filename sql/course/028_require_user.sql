-- Migration: 028_require_user.sql
-- Description: Progress without a user is nobody's
-- Author: Upskill platform team
-- Created: 2026-11-30

-- UP: Apply migration

-- Once a transaction has set app.user_id, it is '' in the next ones of the session, and not NULL.
ALTER POLICY lesson_progress_own_rows ON lesson_progress
    USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')));

-- DOWN: Rollback migration (for use by rollback scripts)
-- ALTER POLICY lesson_progress_own_rows ON lesson_progress
--     USING (user_id = (SELECT current_setting('app.user_id', true)));
