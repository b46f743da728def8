-- The flood breaker of each group and source topic. A row is there once it tripped or was lifted.
CREATE TABLE flood_breakers (
  group_id text NOT NULL,
  topic text NOT NULL,
  -- Counts the lifts: what an instance counted before the last one is worth nothing.
  generation bigint NOT NULL DEFAULT 0,
  -- Null while it is closed.
  tripped_at timestamptz,
  reason text,
  -- The fingerprint that most of the flood is about.
  cause text,
  -- When an instance last saw the flood going on.
  flooded_at timestamptz,
  lifted_at timestamptz,
  -- Until then it does not trip again.
  muted_until timestamptz,
  PRIMARY KEY (group_id, topic)
);

-- What was counted of each partition, so that a restart does not begin anew: the owner of the partition writes its row.
CREATE TABLE flood_counts (
  group_id text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  generation bigint NOT NULL,
  messages bigint NOT NULL,
  invalid bigint NOT NULL,
  run bigint NOT NULL,
  -- By fingerprint: the messages of the window, and those that were kept whole.
  causes jsonb NOT NULL,
  PRIMARY KEY (group_id, topic, partition)
);
