import { join } from 'node:path';
import type { Origins } from '../config/origin.ts';
import type { Settings } from '../config/settings.ts';
import type { Admit } from '../drivers/http/admission.ts';
import type { HttpOptions } from '../drivers/http/server.ts';
import { openWire } from '../drivers/kafka-wire/wire.ts';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { readDrift } from '../evolve/read-drift.ts';
import { assert } from '../lib/assert.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { packageRoot } from '../lib/package-root.ts';
import { packageVersion } from '../lib/package-version.ts';
import { within } from '../lib/within.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { createGuard } from '../review/access/guard.ts';
import { Provider } from '../review/access/provider.ts';
import { Sessions } from '../review/access/sessions.ts';
import { Tokens } from '../review/access/tokens.ts';
import { createReview } from '../review/api/review.ts';
import { GroupWatch } from '../review/groups/group-watch.ts';
import { sendAlerts } from '../review/groups/webhook.ts';
import { LoginStore } from '../store/login-store.ts';
import { Payloads } from '../store/payloads.ts';
import { SessionStore } from '../store/session-store.ts';
import { effectiveSettings } from './effective-settings.ts';
import { openIntake } from './open-intake.ts';
import { openMending } from './open-mending.ts';
import { plannedFieldsOf } from './planned-fields-of.ts';
import { trySchema } from './try-schema.ts';

/** The review as the server takes it in: who may come in, and the routes. */
export interface OpenReview {
  readonly admit: Admit;
  readonly database: Database;
  readonly register: NonNullable<HttpOptions['register']>;
  /** Begins to group records, to send alerts and to work on replays that run. The tables must be there. */
  start(): void;
  /** Begins to work on replays that run, and nothing else. */
  startReplays(): void;
  close(): Promise<void>;
}

export interface OpenReviewOptions {
  readonly settings: Settings;
  readonly origins: Origins;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  /** How the engine of this process moves and judges messages, null where there is none. */
  readonly engine: { readonly lane: string; readonly engine: string } | null;
}

/** Connections of the review: far fewer than requests at once, so that it cannot crowd the database that the engine writes to. */
const poolMax = 8;
const checkMsInterval = 5_000;
const endMsMax = 3_000;
/** Records that a candidate is tried on from the page; the command line takes more. */
const trialRecordsMax = 10_000;

/** Puts the review together. No service is asked before the first request. */
export function openReview({ settings, origins, log, metrics, health, engine }: OpenReviewOptions): OpenReview {
  const { mode } = settings.auth;
  const { webhook } = settings.alerts;
  const { publicUrl } = settings.http;
  const clock = systemClock;
  const database = openDatabase({ url: settings.postgres.url as string, poolMax });
  const storage = openStorage(settings.storage);
  const tokens = tokensOf(settings);
  const sessions = new Sessions({ store: new SessionStore(database), tokens, clock });
  const provider = providerOf(settings, new LoginStore(database));
  const { producerHeaders } = settings.review;
  const watch = new GroupWatch({ database, storage, clock, log, producerHeaders, alerts: webhook !== null });
  const payloads = payloadsOf(settings, storage);
  const mending = openMending(settings, { database, storage, payloads, log });
  const intake = openIntake(settings, { database, storage, checker: mending.checker, log, metrics, health });
  const review = createReview({
    mending,
    mode,
    tokens,
    sessions,
    provider,
    publicUrl,
    database,
    payloads,
    watch,
    metrics,
    health,
    clock,
    engine,
    settings: effectiveSettings(settings, origins),
    schemasDir: settings.schemas.dir,
    tryCandidate: (name, schema) =>
      trySchema(settings, {
        name,
        schema,
        rules: [],
        remediation: null,
        placeOf: placeInCandidate,
        recordsMax: trialRecordsMax,
        threads: 1,
      }),
    drift: async (name) => readDrift({ database, name, plannedOf: await plannedFieldsOf(settings) }),
    pageDir: join(packageRoot, 'dist/ui'),
    version: packageVersion(),
  });
  const closing = new AbortController();
  const loops: Promise<void>[] = [];
  return {
    admit: createGuard({ mode, publicUrl, tokens, identify: provider && ((token) => provider.identify(token)), sessions }),
    database,
    register: (server) => review.register(server),
    startReplays: () => mending.start(),
    start: () => {
      mending.start();
      loops.push(watch.run(closing.signal));
      if (intake) loops.push(intake.run(closing.signal));
      if (webhook !== null) loops.push(sendAlerts({ url: webhook, database, clock, log }, closing.signal));
    },
    close: async () => {
      closing.abort();
      // A database that hangs is left with its queries: closing it breaks them.
      await within(endMsMax, Promise.all([...loops, mending.close(), payloads.close()]));
      await storage.close();
      await database.close();
    },
  };
}

function payloadsOf({ kafka }: Settings, storage: ObjectStore): Payloads {
  return new Payloads({ storage, openSource: () => openWire({ brokers: kafka.brokers, client: kafka.client }) });
}

function placeInCandidate(pointer: string | null): string {
  return `the candidate at ${pointer === null || pointer === '' ? 'the top' : pointer}`;
}

/** Who may come in where no review runs: there are no sessions then. */
export function admitWithoutReview(settings: Settings): Admit {
  return createGuard({ mode: settings.auth.mode, publicUrl: null, tokens: tokensOf(settings), identify: null, sessions: null });
}

/** The identity provider of mode `oidc`, null in the others. */
function providerOf({ auth }: Settings, logins: LoginStore): Provider | null {
  const { issuer, clientId, clientSecret, roleClaim, topicClaim, audience } = auth.oidc;
  if (auth.mode !== 'oidc') return null;
  assert(issuer !== null && clientId !== null && roleClaim !== null, 'settings of mode oidc passed although some are missing');
  return new Provider({
    issuer,
    clientId,
    clientSecret,
    roleClaim,
    topicClaim,
    audience: audience ?? clientId,
    logins,
    clock: systemClock,
  });
}

function tokensOf({ auth }: Settings): Tokens {
  return new Tokens({ tokens: auth.tokens, topicPrefixes: auth.topicPrefixes });
}

/** Says until the signal whether the database can be reached: what the review stands on where no engine says it. */
export async function watchDatabase(database: Database, { health, signal }: { health: Health; signal: AbortSignal }): Promise<void> {
  while (!signal.aborted) {
    await database.check().then(
      () => health.ready('postgres'),
      (error: unknown) => health.notReady('postgres', messageOf(error)),
    );
    await systemClock.sleep(checkMsInterval, signal);
  }
}
