SELECT U&'d\0061t\+000061;', u&'\';
SELECT U&'d!0061;' UESCAPE '!';
SELECT U&'it''s; \';
