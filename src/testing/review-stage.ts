import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { openHttp } from '../drivers/http/server.ts';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { systemClock } from '../lib/clock.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import { packageRoot } from '../lib/package-root.ts';
import type { Role } from '../model/access.ts';
import { fingerprintOf } from '../model/fingerprint.ts';
import { type Header, packed } from '../model/header.ts';
import type { Quarantined } from '../model/record.ts';
import type { Fault } from '../model/verdict.ts';
import { Health } from '../observe/health.ts';
import { silentLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { Registry } from '../registry/registry.ts';
import { createGuard } from '../review/access/guard.ts';
import { Provider, type ProviderOptions } from '../review/access/provider.ts';
import { Sessions } from '../review/access/sessions.ts';
import { Tokens } from '../review/access/tokens.ts';
import { createReview, type ReviewOptions } from '../review/api/review.ts';
import { GroupWatch } from '../review/groups/group-watch.ts';
import { BulkEdits } from '../review/repair/bulk-edits.ts';
import { Edits } from '../review/repair/edits.ts';
import { SchemaDocuments } from '../review/repair/schema-documents.ts';
import { ReplayPlans } from '../review/replay/plans.ts';
import { createHeaderFilter } from '../review/replay/replay-headers.ts';
import { EditStore } from '../store/edits.ts';
import { LoginStore } from '../store/login-store.ts';
import { Payloads } from '../store/payloads.ts';
import { recordId } from '../store/record-id.ts';
import { RecordStore } from '../store/record-store.ts';
import { encodeSegment, formatStoragePath, segmentKey } from '../store/segment.ts';
import { SessionStore } from '../store/session-store.ts';
import { WorkerPool } from '../workers/pool.ts';
import { defaultLimits } from '../workers/read-json.ts';
import { ValueChecker } from '../workers/value-checker.ts';
import { freshDatabase } from './database.ts';

/** A quarantined message; what is not said is that of a user_event without a user_id. */
export interface StageRecord {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset: number;
  readonly key?: string | null;
  readonly value?: string;
  readonly headers?: readonly Header[];
  readonly quarantinedAt?: number;
  readonly fault?: Partial<Fault>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into answers of any shape.
  readonly body: any;
}

export interface CallOptions {
  readonly method?: string;
  /** The role whose token is sent (`viewer` … `admin`; `+payload` with the right to read payloads), null for none. */
  readonly as?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The review by itself: a database and a folder of payloads of the test's own, and the server on a free port. */
export interface ReviewStage {
  readonly address: string;
  readonly database: Database;
  readonly storage: ObjectStore;
  readonly watch: GroupWatch;
  /** Keeps records as the pipeline does; returns their ids in the same order. */
  quarantine(records: readonly StageRecord[]): Promise<string[]>;
  /** As the caller `as`, by default an admin who may read payloads. */
  call(path: string, options?: CallOptions): Promise<Answer>;
}

const roles: readonly Role[] = ['viewer', 'reviewer', 'operator', 'admin'];
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export interface StageOptions extends Partial<ReviewOptions> {
  /** How an identity provider is asked, null for none. */
  readonly oidc?: Omit<ProviderOptions, 'logins' | 'clock'>;
}

export async function openReviewStage({ oidc, ...options }: StageOptions = {}): Promise<ReviewStage> {
  const database = openDatabase({ url: await freshDatabase(), poolMax: 4 });
  closers.push(() => database.close());
  const dir = mkdtempSync(join(tmpdir(), 'dq-review-'));
  closers.push(async () => rmSync(dir, { recursive: true }));
  const storage = openStorage({
    url: `file://${dir}`,
    endpoint: null,
    region: null,
    accessKeyId: null,
    secretAccessKey: null,
    sessionToken: null,
  });
  const tokens = stageTokens();
  const mode = oidc ? 'oidc' : (options.mode ?? 'token');
  const sessions = new Sessions({ store: new SessionStore(database), tokens, clock: systemClock });
  const provider = oidc ? new Provider({ ...oidc, logins: new LoginStore(database), clock: systemClock }) : null;
  const [metrics, health, log] = [createMetrics(), new Health([]), silentLog()];
  const watch = new GroupWatch({ database, storage, clock: systemClock, log, producerHeaders: ['producer'], alerts: true });
  const payloads = new Payloads({ storage, openSource: away });
  const review = createReview({
    mending: mendingWithoutKafka(database, storage, payloads),
    mode,
    tokens,
    sessions,
    provider,
    publicUrl: null,
    database,
    payloads,
    watch,
    metrics,
    health,
    clock: systemClock,
    engine: null,
    schemasDir: join(packageRoot, 'schemas'),
    tryCandidate: () => Promise.reject(new Error('no trial in this test')),
    drift: () => Promise.resolve([]),
    pageDir: join(dir, 'page'),
    settings: [],
    version: '0.0.0',
    ...options,
  });
  const http = await openHttp({
    host: '127.0.0.1',
    port: 0,
    metricsListen: null,
    requestsPerMinute: 6_000,
    trustedProxies: [],
    admit: createGuard({
      mode,
      publicUrl: options.publicUrl ?? null,
      tokens,
      identify: provider && ((token) => provider.identify(token)),
      sessions,
    }),
    health,
    metrics,
    log,
    register: (server) => review.register(server),
  });
  closers.push(() => http.close());
  return {
    address: http.address,
    database,
    storage,
    watch,
    quarantine: (records) => keep(records, database, storage),
    call: (path, call) => ask(`${http.address}${path}`, call),
  };
}

/** For each role one that may not read payloads, one that may, and one that may and is held to topics. */
function stageTokens(): Tokens {
  return new Tokens({
    tokens: roles.flatMap((role) => [
      { name: role, role, payloadRead: false, sha256: sha256(role).toString('hex') },
      { name: role, role, payloadRead: true, sha256: sha256(`${role}+payload`).toString('hex') },
      { name: `eu-${role}`, role, payloadRead: true, sha256: sha256(`eu-${role}`).toString('hex') },
    ]),
    topicPrefixes: Object.fromEntries(roles.map((role) => [`eu-${role}`, ['eu.']])),
  });
}

async function away(): Promise<never> {
  throw new DataQuarantineError('DQ_KAFKA_UNREACHABLE', 'this stage has no Kafka');
}

/** Repair and replay; threads and schemas are there once something is judged, Kafka never is. */
function mendingWithoutKafka(database: Database, storage: ObjectStore, payloads: Payloads): ReviewOptions['mending'] {
  let opened: Promise<{ pool: WorkerPool; registry: Registry }> | null = null;
  const judges = () => (opened ??= openJudges());
  const checker = new ValueChecker({
    judges,
    rulesOf: () => ({ schema: null, allowed: null, strict: false }),
    limits: defaultLimits,
  });
  const store = new EditStore(database);
  const schemas = new SchemaDocuments(async () => (await judges()).registry.catalog());
  const plans = new ReplayPlans({
    database,
    payloads,
    checker,
    strip: createHeaderFilter([]),
    openWire: away,
    targets: ['valid'],
    rate: null,
    secondPersonOver: null,
    isCompressing: false,
    validTopic: 'valid',
    onStarted: () => {},
  });
  return {
    edits: new Edits({ storage, payloads, store, checker }),
    bulk: new BulkEdits({ storage, payloads, store, checker, schemas }),
    schemas,
    plans,
  };
}

async function openJudges(): Promise<{ pool: WorkerPool; registry: Registry }> {
  const pool = await WorkerPool.open({ threads: 1 });
  closers.push(() => pool.close());
  const folders = {
    dir: join(packageRoot, 'schemas'),
    prebuiltDir: join(packageRoot, 'generated'),
    cacheDir: join(packageRoot, '.cache/validators'),
  };
  const registry = await Registry.open({ ...folders, compile: (schema) => pool.compile(schema), log: silentLog() });
  closers.push(() => registry.close());
  return { pool, registry };
}

async function ask(url: string, { method = 'GET', as = 'admin+payload', headers = {}, body }: CallOptions = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(as !== null && { authorization: `Bearer ${as}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? await response.json() : await response.text() };
}

async function keep(records: readonly StageRecord[], database: Database, storage: ObjectStore): Promise<string[]> {
  const rows = records.map(quarantinedOf);
  const { bytes, places } = encodeSegment(rows);
  const key = segmentKey('stage', Date.now());
  await storage.put(key, bytes);
  await new RecordStore(database).insert(
    rows.map((record, at) => ({ record, storagePath: formatStoragePath(key, places[at] as { offset: number; length: number }) })),
  );
  return rows.map(({ id }) => id);
}

function quarantinedOf(given: StageRecord): Quarantined {
  const {
    topic = 'raw-events',
    partition = 0,
    offset,
    key = 'USER000001',
    value = '{"a":1}',
    headers = [],
    quarantinedAt = Date.now(),
  } = given;
  const fault: Fault = {
    outcome: 'invalid',
    error_type: 'schema_violation',
    error_message: '"user_id" is required',
    field_path: 'user_id',
    instance_path: '',
    engine: 'js',
    keyword: 'required',
    schema_name: 'user_event',
    schema_version: '1.1.0',
    fingerprint: '',
    ...given.fault,
  };
  const bytes = Buffer.from(value);
  const kind = `${fault.error_type} ${fault.field_path ?? ''}`;
  const { schema_name: schema, keyword, instance_path: foldedPath } = fault;
  return {
    id: recordId({ clusterId: 'cluster', topicId: topic, partition, offset }),
    topic,
    partition,
    offset,
    timestamp: quarantinedAt,
    key: key === null ? null : Buffer.from(key),
    value: bytes,
    packedHeaders: packed(headers),
    fault: { ...fault, fingerprint: fault.fingerprint || fingerprintOf({ schema, keyword, foldedPath, kind }) },
    payloadSha256: sha256(bytes),
    quarantinedAt,
  };
}

function sha256(text: string | Buffer): Buffer {
  return createHash('sha256').update(text).digest();
}
