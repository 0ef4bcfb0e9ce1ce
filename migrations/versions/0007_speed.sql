-- Indexes and sums for pages that were slow.

-- The owner may become the role of staff with a portfolio, and must not be bound by its policies meanwhile: what it counts
-- and checks (standings below, new foreign keys) is of all customers.
DO $$ BEGIN
    IF pg_has_role(current_user, 'quittance_portfolio', 'USAGE') THEN
        GRANT quittance_portfolio TO CURRENT_USER WITH INHERIT FALSE;
    END IF;
    IF pg_has_role(current_user, 'quittance_portfolio', 'USAGE')
        AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'Whoever granted quittance_portfolio to % must grant it WITH INHERIT FALSE.', current_user;
    END IF;
END $$;

-- What is open of each customer and currency, by age, as it stood on a day: the first page adds up customers instead of
-- a hundred thousand lines. Kept by the database itself whenever a line of 411 changes; good from counted_on until the
-- day before turns_on, on which some line becomes late or older. What makes a line an exception (money in flight,
-- instalments, plans, refusals, contested payments) is not in here: such customers are read from their lines.
CREATE TABLE customer_standings (
    supplier_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency char(3) NOT NULL,
    counted_on date NOT NULL,
    turns_on date NOT NULL,
    due_minor bigint NOT NULL,
    late_minor bigint NOT NULL,
    credits_minor bigint NOT NULL,
    due_count integer NOT NULL,
    late_count integer NOT NULL,
    not_late_minor bigint NOT NULL,
    late_30_minor bigint NOT NULL,
    late_60_minor bigint NOT NULL,
    late_90_minor bigint NOT NULL,
    older_minor bigint NOT NULL,
    PRIMARY KEY (supplier_id, customer_id, currency),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
) WITH (fillfactor = 70);
CREATE INDEX customer_standings_by_late ON customer_standings (supplier_id, late_minor DESC, due_minor DESC, customer_id)
    WHERE due_minor > 0;
CREATE INDEX customer_standings_turning ON customer_standings (supplier_id, turns_on);

-- The next day after this one on which a line due on a day becomes late or older; none where it is as old as can be.
CREATE FUNCTION turns_after(due_on date, day date) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN due_on + CASE WHEN day <= due_on THEN 1 WHEN day <= due_on + 30 THEN 31
    WHEN day <= due_on + 60 THEN 61 WHEN day <= due_on + 90 THEN 91 END;

-- Counts these customers again, as of a day; their rows are held first, so that the last to count has seen all. It runs
-- as the owner, whom row-level security binds to the supplier that is set but not to one collector's customers: sums are
-- of all lines whoever changed one.
CREATE FUNCTION count_standings(supplier uuid, customers uuid[], day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM customer_standings WHERE supplier_id = supplier AND customer_id = ANY(customers)
        ORDER BY customer_id, currency FOR UPDATE;
    INSERT INTO customer_standings AS kept (supplier_id, customer_id, currency, counted_on, turns_on, due_minor,
        late_minor, credits_minor, due_count, late_count, not_late_minor, late_30_minor, late_60_minor, late_90_minor,
        older_minor)
    SELECT supplier, customer_id, line.currency, day,
        coalesce(min(turn) FILTER (WHERE debit), 'infinity'),
        coalesce(sum(open_minor) FILTER (WHERE debit), 0),
        coalesce(sum(open_minor) FILTER (WHERE debit AND age > 0), 0),
        coalesce(sum(open_minor) FILTER (WHERE NOT debit), 0),
        count(*) FILTER (WHERE debit AND open_minor > 0),
        count(*) FILTER (WHERE debit AND open_minor > 0 AND age > 0),
        coalesce(sum(open_minor) FILTER (WHERE kind = 'invoice' AND age <= 0), 0),
        coalesce(sum(open_minor) FILTER (WHERE kind = 'invoice' AND age BETWEEN 1 AND 30), 0),
        coalesce(sum(open_minor) FILTER (WHERE kind = 'invoice' AND age BETWEEN 31 AND 60), 0),
        coalesce(sum(open_minor) FILTER (WHERE kind = 'invoice' AND age BETWEEN 61 AND 90), 0),
        coalesce(sum(open_minor) FILTER (WHERE kind = 'invoice' AND age > 90), 0)
    FROM (
        SELECT item.customer_id, item.currency, item.debit, item.kind, item.open_minor, day - item.due_on AS age,
            turns_after(item.due_on, day) AS turn
        FROM receivable_items AS item
        WHERE item.supplier_id = supplier AND item.customer_id = ANY(customers) AND item.open_minor > 0
        UNION ALL
        SELECT none.customer_id, none.currency, false, '', 0, 0, NULL FROM customer_standings AS none
        WHERE none.supplier_id = supplier AND none.customer_id = ANY(customers)
    ) AS line
    GROUP BY customer_id, line.currency ORDER BY customer_id, line.currency
    ON CONFLICT (supplier_id, customer_id, currency) DO UPDATE SET counted_on = excluded.counted_on,
        turns_on = excluded.turns_on, due_minor = excluded.due_minor, late_minor = excluded.late_minor,
        credits_minor = excluded.credits_minor, due_count = excluded.due_count, late_count = excluded.late_count,
        not_late_minor = excluded.not_late_minor, late_30_minor = excluded.late_30_minor,
        late_60_minor = excluded.late_60_minor, late_90_minor = excluded.late_90_minor,
        older_minor = excluded.older_minor;
END $$;

-- What lines of 411 add to a standing, below zero what they take away: of one customer, currency, side and day.
CREATE TYPE standing_move AS (
    supplier_id uuid, customer_id uuid, currency char(3), debit boolean, sold boolean, due_on date, minor numeric, lines bigint
);

-- Adds moves to the standings of one supplier: what it costs grows with the moves, however many lines a customer has. A
-- standing that is not good on the day (new, turned, or counted later than the day) is counted from its lines instead;
-- one that is, is as good on the day as on the one before. turns_on may come earlier than need be, never later: where the
-- line that turned next is paid, the standing is counted again on a day on which nothing turns.
CREATE FUNCTION move_standings(supplier uuid, moves standing_move[], day date) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    others uuid[];
BEGIN
    WITH moved AS (
        SELECT customer_id, currency,
            min(turns_after(due_on, day)) FILTER (WHERE debit AND lines > 0) AS turns_on,
            coalesce(sum(minor) FILTER (WHERE debit), 0) AS due_minor,
            coalesce(sum(minor) FILTER (WHERE debit AND due_on < day), 0) AS late_minor,
            coalesce(sum(minor) FILTER (WHERE NOT debit), 0) AS credits_minor,
            coalesce(sum(lines) FILTER (WHERE debit), 0) AS due_count,
            coalesce(sum(lines) FILTER (WHERE debit AND due_on < day), 0) AS late_count,
            coalesce(sum(minor) FILTER (WHERE sold AND due_on >= day), 0) AS not_late_minor,
            coalesce(sum(minor) FILTER (WHERE sold AND day - due_on BETWEEN 1 AND 30), 0) AS late_30_minor,
            coalesce(sum(minor) FILTER (WHERE sold AND day - due_on BETWEEN 31 AND 60), 0) AS late_60_minor,
            coalesce(sum(minor) FILTER (WHERE sold AND day - due_on BETWEEN 61 AND 90), 0) AS late_90_minor,
            coalesce(sum(minor) FILTER (WHERE sold AND day - due_on > 90), 0) AS older_minor
        FROM unnest(moves) WHERE supplier_id = supplier GROUP BY customer_id, currency
    ), added AS (
        UPDATE customer_standings AS kept SET counted_on = day,
            turns_on = CASE WHEN kept.due_count + moved.due_count = 0 THEN 'infinity'
                ELSE least(kept.turns_on, moved.turns_on) END,
            due_minor = kept.due_minor + moved.due_minor, late_minor = kept.late_minor + moved.late_minor,
            credits_minor = kept.credits_minor + moved.credits_minor, due_count = kept.due_count + moved.due_count,
            late_count = kept.late_count + moved.late_count, not_late_minor = kept.not_late_minor + moved.not_late_minor,
            late_30_minor = kept.late_30_minor + moved.late_30_minor, late_60_minor = kept.late_60_minor + moved.late_60_minor,
            late_90_minor = kept.late_90_minor + moved.late_90_minor, older_minor = kept.older_minor + moved.older_minor
        FROM moved WHERE kept.supplier_id = supplier AND kept.customer_id = moved.customer_id
            AND kept.currency = moved.currency AND kept.counted_on <= day AND kept.turns_on > day
        RETURNING kept.customer_id, kept.currency
    )
    SELECT array_agg(DISTINCT customer_id) INTO others FROM moved WHERE NOT EXISTS (
        SELECT 1 FROM added WHERE added.customer_id = moved.customer_id AND added.currency = moved.currency);
    IF others IS NOT NULL THEN
        -- Whoever has a first line at the same time waits here for the other, and then counts both.
        INSERT INTO customer_standings
            SELECT DISTINCT supplier, customer_id, currency, day, day, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM unnest(moves)
            WHERE supplier_id = supplier AND customer_id = ANY(others) ORDER BY customer_id, currency
            ON CONFLICT (supplier_id, customer_id, currency) DO NOTHING;
        PERFORM count_standings(supplier, others, day);
    END IF;
END $$;

CREATE FUNCTION keep_standings() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moves standing_move[];
    supplier uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        moves := ARRAY(SELECT (supplier_id, customer_id, currency, debit, kind = 'invoice', due_on, sum(open_minor),
                count(*))::standing_move
            FROM fresh WHERE open_minor > 0 GROUP BY supplier_id, customer_id, currency, debit, kind = 'invoice', due_on);
    ELSE
        moves := ARRAY(SELECT (supplier_id, customer_id, currency, debit, sold, due_on, sum(minor), sum(line))::standing_move
            FROM (SELECT supplier_id, customer_id, currency, debit, kind = 'invoice' AS sold, due_on, open_minor AS minor,
                    1 AS line FROM fresh WHERE open_minor > 0
                UNION ALL SELECT supplier_id, customer_id, currency, debit, kind = 'invoice', due_on, -open_minor, -1
                FROM stale WHERE open_minor > 0) AS line
            GROUP BY supplier_id, customer_id, currency, debit, sold, due_on HAVING sum(minor) <> 0 OR sum(line) <> 0);
    END IF;
    FOR supplier IN SELECT DISTINCT supplier_id FROM unnest(moves) LOOP
        -- The application has set its supplier before it may touch a line; a superuser who mends the rows of one has not.
        IF current_setting('app.supplier_id', true) IS DISTINCT FROM supplier::text THEN
            PERFORM set_config('app.supplier_id', supplier::text, true);
        END IF;
        PERFORM move_standings(supplier, moves, (now() AT TIME ZONE 'Europe/Paris')::date);
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER keep_standings_of_new AFTER INSERT ON receivable_items
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION keep_standings();
CREATE TRIGGER keep_standings_of_changed AFTER UPDATE ON receivable_items
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION keep_standings();
REVOKE EXECUTE ON FUNCTION count_standings(uuid, uuid[], date) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION move_standings(uuid, standing_move[], date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_standings(uuid, uuid[], date) TO quittance_app;

-- The lines of before.
ALTER TABLE receivable_items NO FORCE ROW LEVEL SECURITY;
SELECT count_standings(supplier_id, array_agg(DISTINCT customer_id), (now() AT TIME ZONE 'Europe/Paris')::date)
    FROM receivable_items WHERE open_minor > 0 GROUP BY supplier_id;
ALTER TABLE receivable_items FORCE ROW LEVEL SECURITY;

-- The words of messages, so that a search looks into an index: with row-level security only comparisons that cannot leak
-- may, which are equality and order. Without accents and case; everything but letters and figures divides.
CREATE FUNCTION words_of(said text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT coalesce(array_agg(DISTINCT left(word, 40)), '{}') FROM regexp_split_to_table(
        lower(regexp_replace(regexp_replace(regexp_replace(normalize(said, NFKD), '[œŒ]', 'oe', 'g'), '[æÆ]', 'ae', 'g'),
            '[\u0300-\u036f]', '', 'g')),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f]+'
    ) AS word WHERE length(word) > 1
$$;
CREATE TABLE message_words (
    supplier_id uuid NOT NULL,
    word text COLLATE "C" NOT NULL,
    message_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    PRIMARY KEY (supplier_id, word, message_id),
    FOREIGN KEY (supplier_id, message_id) REFERENCES messages
);
CREATE FUNCTION keep_message_words() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO message_words (supplier_id, word, message_id, customer_id)
    SELECT fresh.supplier_id, word, message_id, customer_id FROM fresh JOIN message_threads USING (supplier_id, thread_id)
    CROSS JOIN LATERAL unnest(words_of(said)) AS word;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_message_words AFTER INSERT ON messages
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION keep_message_words();

-- The messages of before.
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message_threads NO FORCE ROW LEVEL SECURITY;
INSERT INTO message_words (supplier_id, word, message_id, customer_id)
    SELECT supplier_id, word, message_id, customer_id FROM messages JOIN message_threads USING (supplier_id, thread_id)
    CROSS JOIN LATERAL unnest(words_of(said)) AS word;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE message_threads FORCE ROW LEVEL SECURITY;
