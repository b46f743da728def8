-- What the review asks of the records. COPY into this table is what quarantine waits for, so there is no trigger on inserts and no
-- index that is costly to keep: everything else that is searched lies in small tables that a task keeps in the background.

-- The transaction that inserted the row: the task reads exactly the rows that became visible since its last round.
ALTER TABLE quarantine_records ADD COLUMN inserted_xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
CREATE INDEX quarantine_records_inserted ON quarantine_records USING brin (inserted_xid) WITH (pages_per_range = 32, autosummarize = on);

-- Newest first, by status and by cause and status: a list of several of them is merged from the heads of each.
CREATE INDEX quarantine_records_newest ON quarantine_records (status, quarantined_at DESC, id DESC);
CREATE INDEX quarantine_records_cause ON quarantine_records (fingerprint, status, quarantined_at DESC, id DESC);
-- By the beginning of the key: a whole one may be too long for an index.
CREATE INDEX quarantine_records_key ON quarantine_records (substring(key FROM 1 FOR 64), quarantined_at DESC, id DESC) WHERE key IS NOT NULL;

-- Who did what. Each entry's hash covers the one before it; nothing is ever changed or taken away.
CREATE TABLE review_audit (
  sequence bigint PRIMARY KEY,
  at timestamptz(3) NOT NULL,
  by text NOT NULL,
  role text NOT NULL,
  action text NOT NULL,
  subject text,
  -- As text, because the hash covers every byte of it. It never holds a value of a payload.
  detail json,
  hash bytea NOT NULL
);

CREATE INDEX review_audit_subject ON review_audit (subject, sequence);

CREATE FUNCTION review_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'review_audit is append-only';
END
$$;
CREATE TRIGGER review_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_audit
  FOR EACH STATEMENT EXECUTE FUNCTION review_audit_is_append_only();

-- People signed in by a browser. Neither cookie nor token is kept, only their hashes.
CREATE TABLE review_sessions (
  id_sha256 bytea PRIMARY KEY,
  name text NOT NULL,
  -- Of the token that opened it: the session ends with the token. Null where a provider vouched for the person.
  token_sha256 text,
  role text NOT NULL,
  payload_read boolean NOT NULL,
  topic_prefixes text[] NOT NULL,
  csrf_token text NOT NULL,
  expires_at timestamptz NOT NULL
);

-- Sign-ins that are under way at the provider.
CREATE TABLE review_logins (
  id_sha256 bytea PRIMARY KEY,
  state text NOT NULL,
  nonce text NOT NULL,
  code_verifier text NOT NULL,
  return_to text NOT NULL,
  expires_at timestamptz NOT NULL
);
