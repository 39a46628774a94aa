CREATE TABLE préférences (naïve–; text);
SELECT '日本語;', 日本語, '😀;', 😀 FROM "таблица;";
SELECT é'\';
