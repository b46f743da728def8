import type { Settings } from '../config/settings.ts';
import type { DataQuarantineError } from '../lib/errors.ts';
import { retryForever } from '../lib/retry.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { CatalogEntry, CatalogReference } from '../registry/catalog.ts';
import { plannedTypes } from '../registry/planned-fields.ts';
import type { Registry } from '../registry/registry.ts';
import { WorkerPool } from '../workers/pool.ts';
import { openRegistry } from './open-registry.ts';
import { whenThere } from './when-there.ts';

/** What judges messages: the threads, and the schemas that they judge by. */
export interface Judges {
  readonly pool: WorkerPool;
  /** The catalog that the next batch is judged against. */
  readonly reference: () => CatalogReference;
  /** The schema version of that number, null for -1. */
  readonly entryOf: (schema: number) => CatalogEntry | null;
  readonly nameOf: (schema: number) => string | null;
  /** Does the schema of that number lack the field, or the type for it? */
  readonly isDrift: (schema: number, path: string, type: string) => boolean;
  /** Has the schema registry asked until it answers; returns what it does not have. */
  readonly ask: (needs: readonly string[]) => Promise<readonly string[]>;
  /** What it said no to a moment ago. */
  readonly absent: () => readonly string[];
}

export interface JudgesOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Ends the waiting for the schema registry. */
  readonly signal: AbortSignal;
}

/** The readiness check of the schema registry, there only while something waits for it. */
const registryCheck = 'schema registry';

/** Starts the threads and loads the schemas. What must be closed later is pushed to `closers`. */
export async function openJudges(options: JudgesOptions, closers: (() => Promise<void>)[]): Promise<Judges> {
  const { settings, log, metrics } = options;
  const pool = await WorkerPool.open({
    threads: settings.validation.workers,
    onError: (error) => log.error({ err: error }, 'a worker thread died and was replaced'),
  });
  closers.push(() => pool.close());
  metrics.workerThreads.set(pool.threads);
  // A registry that never answered may be mended without us; one that says no, or is none, waits for somebody.
  const passes = ({ code }: DataQuarantineError) => code !== 'DQ_SCHEMA_REGISTRY_REFUSED' && code !== 'DQ_SCHEMA_REGISTRY_STRANGE';
  const registry = await whenThere(registryCheck, () => openRegistry(settings.schemas, pool, log), { ...options, passes });
  options.health.forget(registryCheck);
  closers.push(() => registry.close());
  warnOfMissing(registry, options);
  let revision = -1;
  const reference = () => {
    const catalog = registry.catalog();
    if (catalog.revision !== revision) metrics.knowSchemas(catalog.names);
    revision = catalog.revision;
    return registry.reference();
  };
  const entryOf = (schema: number) => registry.catalog().entry(schema);
  const isDrift = (schema: number, path: string, type: string) => {
    const planned = registry.planned(schema);
    const types = planned === null ? null : plannedTypes(planned, path);
    return types === undefined || (types !== null && !types.has(type));
  };
  const ask = asker(registry, options, closers);
  const nameOf = (schema: number) => entryOf(schema)?.name ?? null;
  return { pool, reference, entryOf, nameOf, isDrift, ask, absent: () => registry.absent() };
}

/** While messages wait for the registry the service is not ready, and says why. */
function asker(registry: Registry, { log, health }: JudgesOptions, closers: (() => Promise<void>)[]): Judges['ask'] {
  const closed = new AbortController();
  closers.push(async () => closed.abort());
  let waiting = 0;
  return async (needs) => {
    waiting += 1;
    try {
      return await retryForever(() => registry.ask(needs), {
        signal: closed.signal,
        onRetry: (error, attempt) => {
          health.notReady(registryCheck, error.message);
          log.warn({ attempt, code: error.code, needs: needs.slice(0, 3) }, `${error.message}; messages wait for it`);
        },
      });
    } finally {
      waiting -= 1;
      if (waiting === 0) health.forget(registryCheck);
    }
  };
}

function warnOfMissing(registry: Registry, { settings, log }: JudgesOptions): void {
  const { dir, registry: address } = settings.schemas;
  const place = address.url === null ? dir : `${dir} and the schema registry do`;
  for (const [topic, { schema }] of Object.entries(settings.topics)) {
    if (schema === null || registry.catalog().find(schema, null) >= 0) continue;
    const message = `topics.${topic}.schema names a schema that ${place}${address.url === null ? ' does' : ''} not have`;
    log.warn({ topic, schema }, `${message}; messages that name none are refused`);
  }
}
