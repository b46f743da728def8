import { createHash, randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { messageOf } from '../lib/errors.ts';
import type { ExitCode, Io } from './io.ts';
import { printLine } from './print.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

export interface ReviewClientOptions extends SettingsOptions {
  readonly url?: string;
  readonly json?: true;
}

/** The review's API, wherever it runs. */
export interface ReviewClient {
  /** True where it runs in this process, for the time of the command. */
  readonly isOwn: boolean;
  /** What the API answers. Throws {@link Refused} where it says no. */
  call<T>(path: string, options?: CallOptions): Promise<T>;
  bytes(path: string): Promise<Buffer>;
  /** Works on replays that run: only where the API runs in this process. */
  startReplays(): void;
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST';
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}

/** The API said no, or did not answer. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Adds what every command of the review takes. */
export function addReviewOptions(command: Command): Command {
  return addSettingsOptions(command)
    .option(
      '--url <url>',
      'a running service to ask, with the token in DQ_TOKEN (default: DQ_URL; without, the settings lead to database and broker)',
    )
    .option('--json', 'print JSON');
}

/** Lends a command the API; what it refuses becomes a line on standard error and the exit code. */
export async function withReview(io: Io, options: ReviewClientOptions, work: (client: ReviewClient) => Promise<void>): Promise<void> {
  const url = options.url ?? io.env['DQ_URL'];
  try {
    if (url) await work(clientOf(url, { token: io.env['DQ_TOKEN'] ?? null, startReplays: null }));
    else await withOwnReview(io, options, work);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    printLine(io.stderr, `dq: ${error.message}`);
    io.exitCode = error.exitCode;
  }
}

/** Whoever can read the settings holds the keys to database and broker: the API runs in this process and takes them for an admin. */
async function withOwnReview(io: Io, options: ReviewClientOptions, work: (client: ReviewClient) => Promise<void>): Promise<void> {
  const { settings, origins } = settingsFor(io, options, ['kafka', 'postgres']);
  // The service is loaded where it is run, not for a help text or a call by URL.
  const { openReview } = await import('../app/open-review.ts');
  const { openHttp } = await import('../drivers/http/server.ts');
  const { migrate } = await import('../store/migrate.ts');
  const { Health } = await import('../observe/health.ts');
  const { createLog } = await import('../observe/log.ts');
  const { createMetrics } = await import('../observe/metrics.ts');
  if (settings.postgres.migrate) await migrate(settings.postgres.url as string);
  const token = randomBytes(32).toString('base64url');
  const sha256 = createHash('sha256').update(token).digest('hex');
  const local = { name: 'local', role: 'admin', payloadRead: true, sha256 } as const;
  const log = createLog({ level: 'warn', stream: 'stderr' });
  const metrics = createMetrics();
  const health = new Health([]);
  const review = openReview({
    settings: { ...settings, auth: { ...settings.auth, mode: 'token', tokens: [local] } },
    origins,
    log,
    metrics,
    health,
    engine: null,
  });
  try {
    const at = { host: '127.0.0.1', port: 0, metricsListen: null, requestsPerMinute: null, trustedProxies: [] };
    const http = await openHttp({ ...at, admit: review.admit, register: review.register, health, metrics, log });
    try {
      await work(clientOf(http.address, { token, startReplays: () => review.startReplays() }));
    } finally {
      await http.close();
    }
  } finally {
    await review.close();
  }
}

function clientOf(url: string, { token, startReplays }: { token: string | null; startReplays: (() => void) | null }): ReviewClient {
  const ask = async (path: string, { method = 'GET', query = {}, body }: CallOptions = {}): Promise<Response> => {
    const address = new URL(`/api/v1${path}`, url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, String(value));
    const response = await fetch(address, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
    }).catch((error: unknown) => {
      throw new Refused(`${address.origin} cannot be reached: ${reasonOf(error)}`, 3);
    });
    if (response.ok) return response;
    throw new Refused(await detailOf(response), exitCodeOfStatus(response.status));
  };
  return {
    isOwn: startReplays !== null,
    call: async <T>(path: string, options?: CallOptions) => (await (await ask(path, options)).json()) as T,
    bytes: async (path) => Buffer.from(await (await ask(path)).arrayBuffer()),
    startReplays: () => startReplays?.(),
  };
}

/** The cause of a failed fetch stands behind it. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}

async function detailOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => null)) as { detail?: string; errors?: { path: string; message: string }[] } | null;
  const places = (problem?.errors ?? []).map(({ path, message }) => `${path} ${message}`);
  return [problem?.detail ?? `the service answered ${response.status}`, ...places].join('; ');
}

/** 1: the state of things says no; 3: a service was away; 2: whoever asks has to change something. */
function exitCodeOfStatus(status: number): ExitCode {
  if ([404, 409, 410, 412, 422].includes(status)) return 1;
  return status >= 500 && status !== 501 ? 3 : 2;
}
