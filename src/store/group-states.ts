import type { DatabaseClient } from '../drivers/postgres/database.ts';

/** A group that is put away, and what would bring it back. */
export interface PutAway {
  readonly fingerprint: string;
  readonly state: 'resolved' | 'archived';
  readonly resolvedIn: string | null;
  readonly archivedUntil: Date | null;
  /** Records of the group since it was put away, and how many bring it back; null for none. */
  readonly recordsSince: number;
  readonly recordsMax: number | null;
}

/** A group of which an alert tells. */
export interface AlertedGroup {
  readonly fingerprint: string;
  readonly error_type: string;
  readonly error_message: string;
  readonly field_path: string | null;
  readonly schema_name: string | null;
  readonly count: number;
  readonly open_count: number;
}

const counted = 'quarantined + in_review + replaying + replayed + discarded + erased';

/** The groups among `fingerprints` that are put away, and all whose time is over. Locks them until the transaction ends. */
export async function readPutAway(client: DatabaseClient, fingerprints: readonly string[]): Promise<PutAway[]> {
  const { rows } = await client.query<PutAway>(
    'SELECT fingerprint, state, resolved_in AS "resolvedIn", archived_until AS "archivedUntil", archived_until_count::float8 AS "recordsMax", ' +
      `(SELECT coalesce(sum(${counted}), 0) FROM review_causes WHERE fingerprint = one.fingerprint)::float8 - count_then AS "recordsSince" ` +
      "FROM review_groups AS one WHERE (state IN ('resolved', 'archived') AND fingerprint = ANY($1)) " +
      "OR (state = 'archived' AND archived_until <= now()) FOR UPDATE",
    [fingerprints],
  );
  return rows;
}

export async function setState(client: DatabaseClient, fingerprints: readonly string[], state: 'open' | 'regressed'): Promise<void> {
  await client.query(
    'UPDATE review_groups SET state = $2, archived_until = NULL, archived_until_count = NULL, version = version + 1 WHERE fingerprint = ANY($1)',
    [fingerprints, state],
  );
}

/** Groups that were alerted of and have nothing open any more; from now on they are not. */
export async function takeDrained(client: DatabaseClient): Promise<string[]> {
  const { rows } = await client.query<{ fingerprint: string }>(
    'UPDATE review_groups AS one SET alerting = false WHERE alerting AND NOT EXISTS ' +
      '(SELECT FROM review_causes WHERE fingerprint = one.fingerprint AND quarantined + in_review + replaying > 0) RETURNING fingerprint',
  );
  return rows.map(({ fingerprint }) => fingerprint);
}

export interface RateRule {
  /** Records a minute that are worth an alert at all. */
  readonly perMinuteMin: number;
  /** How many times the rate of the hour before. */
  readonly timesMin: number;
}

/** Groups that come much faster than in the hour before; each at most once an hour. */
export async function takeSharpRates(client: DatabaseClient, { perMinuteMin, timesMin }: RateRule): Promise<string[]> {
  const { rows } = await client.query<{ fingerprint: string }>(
    `UPDATE review_groups SET rate_alerted_at = now() WHERE (rate_alerted_at IS NULL OR rate_alerted_at < now() - interval '1 hour')
     AND state IN ('open', 'regressed') AND fingerprint IN (
       SELECT fingerprint FROM review_flow JOIN review_causes USING (digest) WHERE NOT hourly AND at > now() - interval '65 minutes'
       GROUP BY fingerprint
       HAVING min(first_seen) < now() - interval '65 minutes'
         AND coalesce(sum(records) FILTER (WHERE at > now() - interval '5 minutes'), 0) / 5 >= $1
         AND coalesce(sum(records) FILTER (WHERE at > now() - interval '5 minutes'), 0) / 5 >=
           $2 * coalesce(sum(records) FILTER (WHERE at <= now() - interval '5 minutes'), 0) / 60
     ) RETURNING fingerprint`,
    [perMinuteMin, timesMin],
  );
  return rows.map(({ fingerprint }) => fingerprint);
}

export async function readAlerted(client: DatabaseClient, fingerprints: readonly string[]): Promise<AlertedGroup[]> {
  const { rows } = await client.query<AlertedGroup>(
    'SELECT fingerprint, min(error_type) AS error_type, (array_agg(error_message ORDER BY last_seen DESC))[1] AS error_message, ' +
      '(array_agg(field_path ORDER BY last_seen DESC))[1] AS field_path, min(schema_name) AS schema_name, ' +
      `sum(${counted})::float8 AS count, sum(quarantined + in_review + replaying)::float8 AS open_count ` +
      'FROM review_causes WHERE fingerprint = ANY($1) GROUP BY fingerprint',
    [fingerprints],
  );
  return rows;
}

/** Adds what headers said of the senders; the newest twenty stay. */
export async function addProducer(client: DatabaseClient, fingerprint: string, producer: string): Promise<void> {
  await client.query(
    'UPDATE review_groups SET producers = ($2::text || array_remove(producers, $2::text))[1:20] WHERE fingerprint = $1 AND NOT ($2 = ANY(producers))',
    [fingerprint, producer],
  );
}
