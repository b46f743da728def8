-- What somebody made of a record. The original stays where it is; the edited text lies in a segment of its own.
CREATE TABLE record_edits (
  id uuid PRIMARY KEY,
  record_id uuid NOT NULL,
  edited_at timestamptz NOT NULL DEFAULT now(),
  edited_by text NOT NULL,
  -- RFC 6902 as it was sent, or the rules of a bulk repair; null where the whole text was given.
  change text,
  -- KEY#OFFSET+LENGTH of the edited value, KEY relative to the store's URL.
  storage_path text NOT NULL,
  payload_bytes integer NOT NULL,
  payload_sha256 bytea NOT NULL,
  -- The schema version that takes the edited value.
  schema_name text,
  schema_version text
);
CREATE INDEX record_edits_record ON record_edits (record_id, edited_at DESC, id DESC);

-- A frozen set of records, what was foreseen of them, and how far their publication is.
CREATE TABLE replay_plans (
  id uuid PRIMARY KEY,
  state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'running', 'paused', 'done', 'failed', 'cancelled')),
  dry_run boolean NOT NULL,
  target text NOT NULL,
  -- Messages a second, null for no limit.
  rate double precision,
  schema_version text,
  include_superseded boolean NOT NULL,
  note text,
  -- How the records were chosen: a filter, or how many ids.
  selection jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL,
  started_at timestamptz,
  started_by text,
  finished_at timestamptz,
  reason text,
  needs_second_person boolean NOT NULL DEFAULT false,
  -- Over ids and payload hashes. Null while the plan is being made: it does not exist for anybody yet.
  set_sha256 bytea,
  -- What the dry run could not look at, in words.
  gap text,
  -- What was done before the last start does not count toward the stop.
  settled_before integer NOT NULL DEFAULT 0,
  failed_before integer NOT NULL DEFAULT 0,
  -- No record is taken before this moment: the rate limit, shared by all workers.
  paced_until timestamptz NOT NULL DEFAULT now(),
  -- The summary as a JSON Web Signature.
  summary text
);
CREATE INDEX replay_plans_newest ON replay_plans (created_at DESC, id DESC);

-- Some records of a plan in the hands of one worker. What it had not marked when its lease ended is looked for in the topic.
CREATE TABLE replay_claims (
  id uuid PRIMARY KEY,
  plan_id uuid NOT NULL REFERENCES replay_plans (id) ON DELETE CASCADE,
  worker text NOT NULL,
  lease_until timestamptz NOT NULL,
  -- The ends of the target's partitions before anything was sent.
  ends bigint[] NOT NULL
);
CREATE INDEX replay_claims_lease ON replay_claims (lease_until);

-- The records of a plan, in the order in which they go out.
CREATE TABLE replay_records (
  plan_id uuid NOT NULL REFERENCES replay_plans (id) ON DELETE CASCADE,
  ordinal integer NOT NULL,
  record_id uuid NOT NULL,
  -- The row's version and status when the plan was made; the version follows what the plan itself does.
  record_version integer NOT NULL,
  record_status text NOT NULL,
  edit_id uuid,
  -- Of what goes out: the edit where there is one.
  storage_path text NOT NULL,
  payload_bytes integer NOT NULL,
  payload_sha256 bytea NOT NULL,
  forecast text NOT NULL,
  message text,
  -- Records of one chain (one key) go out one after another; null where there is no key.
  chain bytea,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'left_out', 'claimed', 'published', 'failed', 'cancelled')),
  claim_id uuid,
  tries integer NOT NULL DEFAULT 0,
  not_before timestamptz NOT NULL DEFAULT now(),
  settled_at timestamptz,
  PRIMARY KEY (plan_id, ordinal)
);
CREATE INDEX replay_records_state ON replay_records (plan_id, state, ordinal);
CREATE INDEX replay_records_later ON replay_records (plan_id, not_before) WHERE state = 'waiting';
CREATE INDEX replay_records_claim ON replay_records (claim_id) WHERE state = 'claimed';
CREATE INDEX replay_records_record ON replay_records (record_id);

-- What summaries are signed with: made once, PKCS 8 in PEM. Whoever reads this table can sign.
CREATE TABLE signing_keys (
  name text PRIMARY KEY,
  private_key text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now()
);
