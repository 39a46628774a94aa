SELECT te'\';
SELECT _e'\', ne'\';
SELECT ée'\';
SELECT 1e'\';
