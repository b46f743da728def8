import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import type { Admit } from '../drivers/http/admission.ts';
import type { HttpOptions } from '../drivers/http/server.ts';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { packageRoot } from '../lib/package-root.ts';
import { packageVersion } from '../lib/package-version.ts';
import type { Health } from '../observe/health.ts';
import { createGuard } from '../review/access/guard.ts';
import { Sessions } from '../review/access/sessions.ts';
import { Tokens } from '../review/access/tokens.ts';
import { createReview } from '../review/api/review.ts';
import { SessionStore } from '../store/session-store.ts';

/** The review as the server takes it in: who may come in, and the routes. */
export interface OpenReview {
  readonly admit: Admit;
  readonly database: Database;
  readonly register: NonNullable<HttpOptions['register']>;
  close(): Promise<void>;
}

/** Connections of the review: far fewer than requests at once, so that it cannot crowd the database that the engine writes to. */
const poolMax = 8;
const checkMsInterval = 5_000;

/** Puts the review together. No service is asked before the first request. */
export function openReview(settings: Settings): OpenReview {
  const { mode } = settings.auth;
  const database = openDatabase({ url: settings.postgres.url as string, poolMax });
  const storage = openStorage(settings.storage);
  const tokens = tokensOf(settings);
  const sessions = new Sessions({ store: new SessionStore(database), tokens, clock: systemClock });
  const review = createReview({
    mode,
    tokens,
    sessions,
    database,
    storage,
    pageDir: join(packageRoot, 'dist/ui'),
    version: packageVersion(),
  });
  return {
    admit: createGuard({ mode, tokens, identify: null, sessions }),
    database,
    register: (server) => review.register(server),
    close: async () => {
      await storage.close();
      await database.close();
    },
  };
}

/** Who may come in where no review runs: there are no sessions then. */
export function admitWithoutReview(settings: Settings): Admit {
  return createGuard({ mode: settings.auth.mode, tokens: tokensOf(settings), identify: null, sessions: null });
}

function tokensOf({ auth }: Settings): Tokens {
  return new Tokens({ tokens: auth.tokens, topicPrefixes: {} });
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
