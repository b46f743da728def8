-- What sampled valid messages hold, by schema version and producer: never a value. The row with an empty path counts the samples.
CREATE TABLE drift_fields (
  schema_name text NOT NULL,
  schema_version text NOT NULL,
  -- As the producer's header says; empty where it says nothing.
  producer text NOT NULL,
  -- JSON Pointer with indexes, and names that are data, as *.
  path text NOT NULL,
  type text NOT NULL CHECK (type IN ('null', 'boolean', 'integer', 'number', 'string', 'array', 'object')),
  messages bigint NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  PRIMARY KEY (schema_name, schema_version, producer, path, type)
);
