ALTER TABLE replay_plans
  -- Whoever makes the plan holds it until this moment. Without an end, and not whole, it is left behind.
  ADD COLUMN making_until timestamptz,
  -- The ends of the target's partitions up to which newer messages of the keys were looked for; null where nobody looks.
  ADD COLUMN looked_to bigint[];
CREATE INDEX replay_plans_making ON replay_plans (making_until) WHERE set_sha256 IS NULL;
