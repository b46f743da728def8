-- What the review finds records by: small tables that a task keeps in the background (store/roll-up.ts).

-- One row for each way in which records were refused; the records of one fingerprint may differ in topic, version and words.
CREATE TABLE review_causes (
  -- Over the columns that describe it, as review_cause_digest gives it.
  digest uuid PRIMARY KEY,
  fingerprint text NOT NULL,
  topic text NOT NULL,
  schema_name text,
  schema_version text,
  error_type text NOT NULL,
  error_message text NOT NULL,
  field_path text,
  keyword text,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  -- The newest record.
  sample_id uuid NOT NULL,
  -- How many of its records have which status.
  quarantined bigint NOT NULL DEFAULT 0,
  in_review bigint NOT NULL DEFAULT 0,
  replaying bigint NOT NULL DEFAULT 0,
  replayed bigint NOT NULL DEFAULT 0,
  discarded bigint NOT NULL DEFAULT 0,
  erased bigint NOT NULL DEFAULT 0,
  searched text NOT NULL GENERATED ALWAYS AS (
    error_message || ' ' || coalesce(field_path, '') || ' ' || coalesce(schema_name, '') || ' ' || coalesce(schema_version, '') || ' ' || error_type
  ) STORED
);
CREATE INDEX review_causes_fingerprint ON review_causes (fingerprint);
CREATE INDEX review_causes_words ON review_causes USING gin (to_tsvector('english', searched));

CREATE FUNCTION review_cause_digest(
  fingerprint text, topic text, schema_name text, schema_version text, error_type text, error_message text, field_path text, keyword text
) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT md5(ROW(fingerprint, topic, schema_name, schema_version, error_type, error_message, field_path, keyword)::text)::uuid
$$;

-- Records by cause and minute; older ones by hour.
CREATE TABLE review_flow (
  digest uuid NOT NULL,
  at timestamptz NOT NULL,
  hourly boolean NOT NULL,
  records bigint NOT NULL,
  PRIMARY KEY (digest, hourly, at)
);
CREATE INDEX review_flow_at ON review_flow (at);

-- Beginnings of keys, as the escaped text of their bytes.
CREATE TABLE review_keys (
  head bytea PRIMARY KEY,
  text text NOT NULL GENERATED ALWAYS AS (encode(head, 'escape')) STORED
);

-- What people and time have made of a cause.
CREATE TABLE review_groups (
  fingerprint text PRIMARY KEY,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved', 'archived', 'regressed')),
  resolved_in text,
  archived_until timestamptz,
  archived_until_count bigint,
  -- Records of the group when its state was last changed.
  count_then bigint NOT NULL DEFAULT 0,
  -- From headers of sampled records.
  producers text[] NOT NULL DEFAULT '{}',
  -- An alert was raised that no "resolved" has followed.
  alerting boolean NOT NULL DEFAULT false,
  rate_alerted_at timestamptz,
  -- Counts the changes of the state: the optimistic lock of those who change it.
  version integer NOT NULL DEFAULT 1
);

-- Alerts to be sent, each once.
CREATE TABLE review_alerts (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  fingerprint text NOT NULL,
  event json NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz
);
CREATE INDEX review_alerts_due ON review_alerts (due_at) WHERE sent_at IS NULL;

-- How far the task is: the records that this snapshot saw are counted.
CREATE TABLE review_roll_up (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  snapshot text NOT NULL
);
INSERT INTO review_roll_up (snapshot) VALUES ('1:1:');

-- Changes of status that are not counted yet. Every UPDATE and DELETE leaves them here, so nobody who changes records can forget to.
CREATE TABLE review_moves (
  digest uuid NOT NULL,
  status text NOT NULL,
  records bigint NOT NULL
);

CREATE FUNCTION review_note_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO review_moves (digest, status, records)
    SELECT review_cause_digest(fingerprint, topic, schema_name, schema_version, error_type, error_message, field_path, keyword), status, sum(one)
    FROM (SELECT *, -1 AS one FROM before UNION ALL SELECT *, 1 AS one FROM after) AS changed
    GROUP BY 1, 2 HAVING sum(one) <> 0;
  ELSE
    INSERT INTO review_moves (digest, status, records)
    SELECT review_cause_digest(fingerprint, topic, schema_name, schema_version, error_type, error_message, field_path, keyword), status, -count(*)
    FROM before GROUP BY 1, 2;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER quarantine_records_changed AFTER UPDATE ON quarantine_records REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION review_note_moves();
CREATE TRIGGER quarantine_records_gone AFTER DELETE ON quarantine_records REFERENCING OLD TABLE AS before
  FOR EACH STATEMENT EXECUTE FUNCTION review_note_moves();

CREATE FUNCTION review_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE review_causes, review_flow, review_keys, review_groups, review_moves;
  RETURN NULL;
END
$$;
CREATE TRIGGER quarantine_records_emptied AFTER TRUNCATE ON quarantine_records FOR EACH STATEMENT EXECUTE FUNCTION review_forget();

-- Trigram indexes make the search fast where there are many causes and keys. Whoever may not create extensions goes without.
DO $$
DECLARE
  place text;
BEGIN
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
  EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'pg_trgm is not there: %', SQLERRM;
  END;
  SELECT quote_ident(nspname) INTO place FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm';
  IF place IS NOT NULL THEN
    EXECUTE format('CREATE INDEX review_causes_trigrams ON review_causes USING gin (searched %s.gin_trgm_ops)', place);
    EXECUTE format('CREATE INDEX review_keys_trigrams ON review_keys USING gin (text %s.gin_trgm_ops)', place);
  END IF;
END
$$;
