SELECT $täg$ ; $tag$ ; $täg$;
SELECT $é$;$é$, $漢字$ ; $漢字$, $😀$ ; $😀$;
