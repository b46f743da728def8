-- One row for each quarantined source record, however often it is processed. The payload itself lies in the object store.
CREATE TABLE quarantine_records (
  -- UUIDv5 of cluster id, topic id, partition and offset.
  id uuid PRIMARY KEY,
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  -- The source's timestamp; null where it has none or none that is a date.
  timestamp timestamptz,
  -- A null key is not an empty one.
  key bytea,
  schema_name text,
  schema_version text,
  error_type text NOT NULL,
  error_message text NOT NULL,
  field_path text,
  instance_path text,
  keyword text,
  fingerprint text NOT NULL,
  -- KEY#OFFSET+LENGTH of the value, KEY relative to the store's URL.
  storage_path text NOT NULL,
  payload_bytes integer NOT NULL,
  payload_sha256 bytea NOT NULL,
  status text NOT NULL DEFAULT 'quarantined'
    CHECK (status IN ('quarantined', 'in_review', 'replaying', 'replayed', 'discarded', 'erased')),
  quarantined_at timestamptz NOT NULL,
  -- Counts the changes of a row: the optimistic lock of those who change it.
  version integer NOT NULL DEFAULT 1,
  attempts integer NOT NULL DEFAULT 0
);

-- For `dq verify`, which reads a partition by its offsets. The topic is left out: without it the index costs half as much to keep.
CREATE INDEX quarantine_records_source ON quarantine_records (partition, "offset");
