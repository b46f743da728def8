import { randomUUID } from 'node:crypto';
import type { Database } from '../src/drivers/postgres/database.ts';
import { type GroupSelection, type GroupSort, GroupStore } from '../src/store/group-store.ts';
import { migrate } from '../src/store/migrate.ts';
import { RecordSearch } from '../src/store/record-search.ts';
import type { RecordSelection } from '../src/store/record-selection.ts';
import { RollUp } from '../src/store/roll-up.ts';
import { say } from './run.ts';
import type { Stage } from './stage.ts';

/** How long the first page of a list takes, the counts beside it, or the first page of causes. */
export interface Search {
  readonly records: number;
  readonly what: string;
  /** Rows of the page. */
  readonly rows: number;
  readonly bestMs: number;
  readonly medianMs: number;
}

const rounds = 7;
const pageRows = 50;
const chunkRecords = 500_000;

const all: RecordSelection = {
  status: null,
  topic: null,
  schema: null,
  errorType: null,
  fingerprint: null,
  field: null,
  family: null,
  text: null,
  searchKeys: true,
  from: null,
  to: null,
  topicPrefixes: [],
};

const allGroups: GroupSelection = { state: null, schema: null, topic: null, family: null, text: null, topicPrefixes: [] };

/** Asks once; returns how many rows came. */
type Ask = (from: { readonly search: RecordSearch; readonly groups: GroupStore }) => Promise<number>;

function page(selection: Partial<RecordSelection>): Ask {
  return async ({ search }) => (await search.page({ ...all, ...selection }, { limit: pageRows, after: null })).rows.length;
}

function facets(selection: Partial<RecordSelection>): Ask {
  return async ({ search }) => Object.values(await search.facets({ ...all, ...selection })).flat().length;
}

/** As the route does: the causes, then the flow of each. */
function causes(selection: Partial<GroupSelection>, sort: GroupSort = 'harm'): Ask {
  return async ({ groups }) => {
    const rows = await groups.list({ ...allGroups, ...selection }, { sort, limit: pageRows, asOfMs: Date.now(), after: null });
    const fingerprints = rows.map(({ fingerprint }) => fingerprint);
    await groups.flows(fingerprints, { nowMs: Date.now(), topicPrefixes: [] });
    return rows.length;
  };
}

/** The table below has 2,000 causes, of which cause 1999 has one record in a hundred thousand; every key comes five times. */
const lists: readonly (readonly [what: string, ask: Ask])[] = [
  ['all', page({})],
  ['status quarantined', page({ status: 'quarantined' })],
  ['status discarded, one in a thousand', page({ status: 'discarded' })],
  ['one cause, frequent', page({ fingerprint: 'v1:cause-1' })],
  ['one cause, rare', page({ fingerprint: 'v1:cause-1999' })],
  ['a rare cause and a status', page({ fingerprint: 'v1:cause-1999', status: 'discarded' })],
  ['a topic', page({ topic: 'topic-3' })],
  ['a schema', page({ schema: 'schema-7' })],
  ['a field', page({ field: 'field_1999' })],
  ['an error type and a time', page({ errorType: 'schema_violation', to: '2026-01-02T00:00:00Z' })],
  ['a time long ago', page({ from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:01:00Z' })],
  ['a schema and a time long ago', page({ schema: 'schema-7', to: '2026-01-01T00:10:00Z' })],
  ['topics of a tenant', page({ topicPrefixes: ['topic-1'] })],
  ['words of a rare error text', page({ text: 'field_1999 required' })],
  ['words of all error texts', page({ text: 'required' })],
  ['a key', page({ text: 'KEY-0000777' })],
  ['part of a key', page({ text: 'Y-00007' })],
  ['nothing', page({ text: 'nothing-has-this-word' })],
  ['counts of all', facets({})],
  ['counts of a schema', facets({ schema: 'schema-7' })],
  ['counts of words of all error texts', facets({ text: 'required', searchKeys: false })],
  ['causes by harm', causes({})],
  ['causes by count, of a schema', causes({ schema: 'schema-7' }, 'count')],
  ['causes, words of all error texts', causes({ text: 'required' })],
];

export async function measureSearches(stage: Stage, records: number): Promise<Search[]> {
  say(`search among ${records.toLocaleString('en')} records`);
  return stage.withRunDatabase(async (run) => {
    await migrate(run.url);
    return stage.withDatabase(run, async (database) => {
      await fill(database, records);
      const from = { search: new RecordSearch({ database, catchUp: async () => {} }), groups: new GroupStore(database) };
      const searches: Search[] = [];
      for (const [what, ask] of lists) searches.push({ records, what, ...(await timed(() => ask(from))) });
      return searches;
    });
  });
}

async function timed(ask: () => Promise<number>): Promise<Pick<Search, 'rows' | 'bestMs' | 'medianMs'>> {
  const times: number[] = [];
  let rows = 0;
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    rows = await ask();
    times.push(performance.now() - startedMs);
  }
  times.sort((one, other) => one - other);
  return { rows, bestMs: times[0] ?? 0, medianMs: times[Math.floor(rounds / 2)] ?? 0 };
}

/** Makes the rows in the database itself, a second's worth after another, and counts them as the service does. */
async function fill(database: Database, records: number): Promise<void> {
  const rollUp = new RollUp(database);
  for (let from = 0; from < records; from += chunkRecords) {
    const to = Math.min(records, from + chunkRecords);
    await database.withClient((client) => client.query({ text: insertSql, values: [from, to - 1, randomUUID()], ...patience }));
    await rollUp.round(async () => {});
    say(`  ${to.toLocaleString('en')} records are there`);
  }
  await database.withClient(async (client) => {
    await client.query({ text: 'UPDATE quarantine_records SET status = \'discarded\' WHERE "offset" % 1000 = 0', ...patience });
    await client.query({
      text: 'INSERT INTO review_keys (head) SELECT DISTINCT substring(key FROM 1 FOR 64) FROM quarantine_records ON CONFLICT DO NOTHING',
      ...patience,
    });
    await client.query({ text: 'VACUUM ANALYZE', ...patience });
  });
  await rollUp.round(async () => {});
}

const patience = { query_timeout: 1_800_000 } as object;
/** Causes come by a power law: the first ones often, the last ones hardly ever. */
const insertSql = `
INSERT INTO quarantine_records (id, topic, partition, "offset", timestamp, key, schema_name, schema_version, error_type, error_message,
  field_path, instance_path, keyword, fingerprint, storage_path, payload_bytes, payload_sha256, quarantined_at)
SELECT md5($3 || n)::uuid, 'topic-' || cause % 10, n % 8, n, at, convert_to('KEY-' || lpad((n / 5)::text, 7, '0'), 'UTF8'), 'schema-' || cause % 50, '1.0.0',
  CASE WHEN cause % 5 = 0 THEN 'malformed_json' ELSE 'schema_violation' END, '"field_' || cause || '" is required', 'field_' || cause, '/field_' || cause,
  'required', 'v1:cause-' || cause, 'topic/2026/01/01/segment.seg#' || n || '+300', 300, sha256(n::text::bytea), at
FROM (SELECT n, timestamptz '2026-01-01Z' + n * interval '10 milliseconds' AS at,
  CASE WHEN n % 100000 = 77 THEN 1999 ELSE floor(1998 * power(random(), 3))::int END AS cause FROM generate_series($1::bigint, $2::bigint) AS n) AS generated`;
