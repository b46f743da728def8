-- Dead letters that other systems wrote and the review took in. Each is a row of quarantine_records as well; what COPY writes there stays
-- as narrow as it is. A row here is there before its record is.
CREATE TABLE foreign_records (
  record_id uuid PRIMARY KEY,
  family text NOT NULL,
  -- Where the dead letter itself lies.
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  -- The topic that the message came from, null where its headers do not say it.
  origin_topic text,
  -- The outermost class that was thrown.
  exception text,
  -- A stored payload has no way to say that there was none.
  value_is_null boolean NOT NULL
);

-- How far topics of dead letters are read. A topic that is made anew under its name has another id.
CREATE TABLE intake_positions (
  cluster_id text NOT NULL,
  topic_id text NOT NULL,
  partition integer NOT NULL,
  offset_next bigint NOT NULL,
  PRIMARY KEY (cluster_id, topic_id, partition)
);

-- Of the records of a cause; null for those of our own pipeline.
ALTER TABLE review_causes ADD COLUMN family text;
