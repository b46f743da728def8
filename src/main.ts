import { admitWithoutReview, type OpenReview, openReview, watchDatabase } from './app/open-review.ts';
import { whenThere } from './app/when-there.ts';
import { App, chooseWay, readinessChecks } from './app.ts';
import type { Origins } from './config/origin.ts';
import type { Settings } from './config/settings.ts';
import { openHttp } from './drivers/http/server.ts';
import { assert } from './lib/assert.ts';
import { isRetryable } from './lib/errors.ts';
import { isLoopback } from './lib/loopback.ts';
import { Health } from './observe/health.ts';
import type { Log } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { migrate } from './store/migrate.ts';

export interface ServeOptions {
  readonly log: Log;
  /** Where each setting came from, for those who ask the review. */
  readonly origins: Origins;
  /** Aborting it drains and ends the service. */
  readonly signal: AbortSignal;
  /** One part alone, null for both. */
  readonly only?: 'engine' | 'review' | null;
  /** Told once the engine reads and the server listens. */
  readonly onStarted?: (started: { address: string; metrics: Metrics; health: Health }) => void;
}

/** Of one address, where others than this machine may ask. */
const requestsPerMinute = 6_000;
/** What `/readyz` waits for where no engine runs. */
const reviewChecks = ['postgres'] as const;

/**
 * The service process: opens the HTTP side first, so that health can be asked while the rest starts, then the engine; runs until
 * the signal is aborted, and drains. Throws what ended it otherwise.
 */
export async function serve(settings: Settings, options: ServeOptions): Promise<void> {
  const { log, origins, only = null } = options;
  const { http: at, auth } = settings;
  assert(auth.mode !== 'none' || isLoopback(at.host), 'a server without authentication must listen on loopback only');
  const metrics = createMetrics({ processMetrics: true });
  const health = new Health(only === 'review' ? reviewChecks : readinessChecks);
  health.open();
  const review =
    only === 'engine'
      ? null
      : openReview({ settings, origins, log, metrics, health, engine: only === 'review' ? null : chooseWay(settings) });
  try {
    const http = await openHttp({
      host: at.host,
      port: at.port,
      metricsListen: settings.metrics,
      admit: review?.admit ?? admitWithoutReview(settings),
      requestsPerMinute: auth.mode === 'none' ? null : requestsPerMinute,
      trustedProxies: at.trustedProxies,
      health,
      metrics,
      log,
      ...(review && { register: review.register }),
    });
    const started = () => {
      review?.start();
      log.info({ address: http.address, metrics: http.metricsAddress }, 'started');
      options.onStarted?.({ address: http.address, metrics, health });
    };
    try {
      if (only === 'review') await runReview(settings, review as OpenReview, { ...options, health, started });
      else await runEngine(settings, { ...options, metrics, health, started });
      log.info('drained and stopped');
    } finally {
      await http.close();
    }
  } finally {
    await review?.close();
    health.close();
  }
}

interface Running extends ServeOptions {
  readonly health: Health;
  readonly started: () => void;
}

async function runEngine(settings: Settings, { log, signal, metrics, health, started }: Running & { metrics: Metrics }): Promise<void> {
  const app = await App.open({ settings, log, metrics, health, signal }).catch((error: unknown) => {
    if (!signal.aborted || !isRetryable(error)) throw error;
    // It waited for a service, has read nothing, and was asked to end.
    return null;
  });
  if (!app) return;
  const stop = () => app.stop();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) app.stop();
  started();
  await app.run();
}

async function runReview(settings: Settings, review: OpenReview, { log, signal, health, started }: Running): Promise<void> {
  if (settings.postgres.migrate) await whenThere('postgres', () => migrate(settings.postgres.url as string), { log, health, signal });
  started();
  await watchDatabase(review.database, { health, signal });
}
