/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that make and drop partitions (store/partition.h), as the migrations of
 * both schemas create them: text of released migrations, never to be changed, only replaced by
 * later ones.
 */
#ifndef HYP_STORE_POSTGRES_PARTITIONS_H
#define HYP_STORE_POSTGRES_PARTITIONS_H

/*
 * add_partition(table, first period, periods, shift from a period to the column's value) makes
 * chunk_2026_03, chunk_2026_03_weeks, intake_log_2026_03_08. It is attached instead of created
 * in place: that would keep readers from the table until the transaction ends. There must be no
 * default partition, which attaching would lock in the same way.
 */
#define HYP_POSTGRES_ADD_PARTITION                                                             \
    "CREATE FUNCTION add_partition(parent TEXT, first BIGINT, periods BIGINT, shift BIGINT)\n" \
    "RETURNS BOOLEAN LANGUAGE plpgsql AS $body$\n"                                             \
    "DECLARE\n"                                                                                \
    "    part TEXT := parent || '_' || lpad((first / 96 + 1)::text, 4, '0')\n"                 \
    "        || '_' || lpad((first / 8 % 12 + 1)::text, 2, '0')\n"                             \
    "        || CASE WHEN first % 8 = 4 THEN '' WHEN periods = 4 THEN '_weeks'\n"              \
    "           ELSE '_' || lpad((first % 8 * 7 + 1)::text, 2, '0') END;\n"                    \
    "BEGIN\n"                                                                                  \
    "    IF to_regclass(quote_ident(part)) IS NOT NULL THEN RETURN true; END IF;\n"            \
    "    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), hashtext(parent));\n"       \
    "    IF to_regclass(quote_ident(part)) IS NOT NULL THEN RETURN true; END IF;\n"            \
    "    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING STORAGE)', part, parent);\n"       \
    "    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',\n"  \
    "        parent, part, first << shift::int, (first + periods) << shift::int);\n"           \
    "    RETURN true;\n"                                                                       \
    "END $body$;\n"

/*
 * The same for the main tables since migration 11: as long as there are few devices, the chunks
 * of a year share a partition, chunk_2026. A month of 250 meters is a megabyte, and that of a
 * few would take less room than the empty table around it; every statement also has to open
 * each partition there is. A year that has begun in months stays so, and one that has begun as
 * a whole does too, however many devices come.
 */
#define HYP_POSTGRES_ADD_PARTITION_2                                                           \
    "CREATE OR REPLACE FUNCTION\n"                                                             \
    "add_partition(parent TEXT, first BIGINT, periods BIGINT, shift BIGINT)\n"                 \
    "RETURNS BOOLEAN LANGUAGE plpgsql AS $body$\n"                                             \
    "DECLARE\n"                                                                                \
    "    year TEXT := parent || '_' || lpad((first / 96 + 1)::text, 4, '0');\n"                \
    "    part TEXT := year || '_' || lpad((first / 8 % 12 + 1)::text, 2, '0')\n"               \
    "        || CASE WHEN first % 8 = 4 THEN '' WHEN periods = 4 THEN '_weeks'\n"              \
    "           ELSE '_' || lpad((first % 8 * 7 + 1)::text, 2, '0') END;\n"                    \
    "    few BOOLEAN;\n"                                                                       \
    "BEGIN\n"                                                                                  \
    "    IF to_regclass(quote_ident(part)) IS NOT NULL\n"                                      \
    "        OR to_regclass(quote_ident(year)) IS NOT NULL THEN RETURN true; END IF;\n"        \
    "    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), hashtext(parent));\n"       \
    "    IF to_regclass(quote_ident(part)) IS NOT NULL\n"                                      \
    "        OR to_regclass(quote_ident(year)) IS NOT NULL THEN RETURN true; END IF;\n"        \
    "    SELECT count(*) < 250 FROM (SELECT FROM device LIMIT 250) AS d INTO few;\n"           \
    "    IF periods = 4 AND few AND NOT EXISTS (SELECT FROM pg_class\n"                        \
    "        WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))\n"            \
    "        AND relispartition AND relname ~ ('^' || year || '_')) THEN\n"                    \
    "        part := year; first := first / 96 * 96; periods := 96;\n"                         \
    "    END IF;\n"                                                                            \
    "    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING STORAGE)', part, parent);\n"       \
    "    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',\n"  \
    "        parent, part, first << shift::int, (first + periods) << shift::int);\n"           \
    "    RETURN true;\n"                                                                       \
    "END $body$;\n"

/*
 * drop_empty_partitions() drops those without rows, of every table, all but the newest. Returns
 * how many; -1 when one is being read and has to wait. So it has to while anybody sees the
 * database as it was: to a snapshot from before, the rows that were deleted are still there,
 * and those that took their place are not.
 */
#define HYP_POSTGRES_DROP_PARTITIONS                                                           \
    "CREATE FUNCTION drop_empty_partitions() RETURNS BIGINT LANGUAGE plpgsql AS $body$\n"      \
    "DECLARE\n"                                                                                \
    "    item RECORD; used BOOLEAN; dropped BIGINT := 0; busy BOOLEAN := false;\n"             \
    "BEGIN\n"                                                                                  \
    "    FOR item IN SELECT parent, part FROM (SELECT parent, part, low,\n"                    \
    "            max(low) OVER (PARTITION BY parent) AS newest\n"                              \
    "        FROM (SELECT p.relname AS parent, c.relname AS part,\n"                           \
    "                substring(pg_get_expr(c.relpartbound, c.oid)\n"                           \
    "                    FROM '[(][^0-9]?([0-9]+)')::bigint AS low\n"                          \
    "            FROM pg_class p JOIN pg_inherits i ON i.inhparent = p.oid\n"                  \
    "            JOIN pg_class c ON c.oid = i.inhrelid WHERE p.relkind = 'p'\n"                \
    "            AND pg_get_expr(c.relpartbound, c.oid) NOT LIKE '%VALUE)%' AND\n"             \
    "                p.relnamespace = to_regnamespace(quote_ident(current_schema())))\n"       \
    "            AS parts) AS marked WHERE low < newest ORDER BY parent, low\n"                \
    "    LOOP\n"                                                                               \
    "        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', item.part) INTO used;\n"         \
    "        CONTINUE WHEN used;\n"                                                            \
    "        BEGIN\n"                                                                          \
    "            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE NOWAIT',\n"            \
    "                item.parent);\n"                                                          \
    "            EXECUTE format('SELECT EXISTS (SELECT FROM %I)', item.part) INTO used;\n"     \
    "            CONTINUE WHEN used;\n"                                                        \
    "            PERFORM pg_stat_clear_snapshot();\n"                                          \
    "            PERFORM FROM pg_stat_activity WHERE datname = current_database()\n"           \
    "                AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL;\n"              \
    "            IF FOUND THEN busy := true; EXIT; END IF;\n"                                  \
    "            EXECUTE format('DROP TABLE %I', item.part);\n"                                \
    "            dropped := dropped + 1;\n"                                                    \
    "        EXCEPTION WHEN lock_not_available THEN busy := true;\n"                           \
    "        END;\n"                                                                           \
    "    END LOOP;\n"                                                                          \
    "    RETURN CASE WHEN busy THEN -1 ELSE dropped END;\n"                                    \
    "END $body$;\n"

#endif
