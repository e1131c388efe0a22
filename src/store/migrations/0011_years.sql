-- Chunks of few devices: a partition of a year instead of one of a month
-- (store/postgres/partitions.h). What is there stays as it is.

{postgres}
{partitions_2}
{end_postgres}
UPDATE schema_version SET name = name WHERE version < 0;
