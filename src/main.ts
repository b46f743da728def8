import { App, readinessChecks } from './app.ts';
import type { Settings } from './config/settings.ts';
import { openHttp } from './drivers/http/server.ts';
import { Health } from './observe/health.ts';
import type { Log } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';

export interface ServeOptions {
  readonly log: Log;
  /** Aborting it drains and ends the service. */
  readonly signal: AbortSignal;
  /** Told once the engine reads and the server listens. */
  readonly onStarted?: (started: { address: string; metrics: Metrics; health: Health }) => void;
}

/**
 * The service process: opens the HTTP side first, so that health can be asked while the rest starts, then the engine; runs until
 * the signal is aborted, and drains. Throws what ended it otherwise.
 */
export async function serve(settings: Settings, { log, signal, onStarted }: ServeOptions): Promise<void> {
  const metrics = createMetrics({ processMetrics: true });
  const health = new Health(readinessChecks);
  health.open();
  const http = await openHttp({
    host: settings.http.host,
    port: settings.http.port,
    metricsListen: settings.metrics,
    auth: settings.auth,
    health,
    metrics,
    log,
  });
  try {
    const app = await App.open({ settings, log, metrics, health });
    const stop = () => app.stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) app.stop();
    log.info({ address: http.address, metrics: http.metricsAddress }, 'started');
    onStarted?.({ address: http.address, metrics, health });
    await app.run();
    log.info('drained and stopped');
  } finally {
    await http.close();
    health.close();
  }
}
