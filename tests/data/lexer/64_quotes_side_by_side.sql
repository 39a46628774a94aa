SELECT 'a''b''''c;', ''';''', '''';
SELECT 'a'"b;"$$c;$$E'd\';'$1;
