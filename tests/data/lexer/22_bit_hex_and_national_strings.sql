SELECT B'0101;', b'', X'1F;', x'', N'it''s;', n'\';
SELECT B'01'
'10;';
