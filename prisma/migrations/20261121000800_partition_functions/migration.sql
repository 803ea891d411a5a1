-- To make a day's partition of `events`, and to drop one, takes the rights of their owner. These functions have them and
-- do nothing else with them, so a collector needs no more than the right to call them (ops/postgres/grants.sql).

-- Makes the partition of a day of UTC unless it is there; says whether it did. Rows of that day are moved from the default
-- partition in the same transaction. It takes a moment alone with `events`, not only with the default partition: a reader that
-- had looked the partitions up and then waited for the default one would find the rows gone from there, and would not look
-- into the new one. One advisory lock makes processes that start at the same time take turns. Behind a long report the
-- locks would be waited for, and everybody else would wait behind that: so it gives up soon.
CREATE FUNCTION make_events_partition(day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
AS $function$
DECLARE
    partition text := 'events_' || to_char(day, 'YYYYMMDD');
    begins timestamptz := day::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sluice.events.partitions'));
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM set_config('lock_timeout', '2s', true);
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
    LOCK TABLE ONLY events IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format(
        'WITH moved AS (DELETE FROM events_default WHERE occurred_at >= %2$L AND occurred_at < %3$L RETURNING *)
         INSERT INTO %1$I SELECT * FROM moved',
        partition, begins, ends);
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, begins, ends);
    RETURN true;
END
$function$;

-- Drops the partition of a day, `events_<yyyymmdd>`; says whether there was one. It needs a moment alone with `events`, and
-- gives up soon where it does not get it.
CREATE FUNCTION drop_events_partition(partition text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    IF partition !~ '^events_[0-9]{8}$' THEN
        RAISE EXCEPTION '% is not the name of a day of events', partition;
    END IF;
    IF to_regclass(partition) IS NULL THEN
        RETURN false;
    END IF;
    PERFORM set_config('lock_timeout', '2s', true);
    EXECUTE format('DROP TABLE IF EXISTS %I', partition);
    RETURN true;
END
$function$;

-- Names mean these tables whatever the caller's search path is, and nobody may call them who was not told to.
DO $do$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY['make_events_partition(date)', 'drop_events_partition(text)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', signature, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    END LOOP;
END
$do$;
