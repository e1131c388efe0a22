-- Rows of the intake log may be packed (version 2, store/log.h). No table changes; but a program
-- that does not know such rows would take them for damaged, so it is to refuse the database.

UPDATE schema_version SET name = name WHERE version < 0;
