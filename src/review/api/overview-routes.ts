import { Readable } from 'node:stream';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Caller } from '../../model/access.ts';
import { overview } from '../contract/session.ts';
import type { Overviews } from './overview.ts';
import { callerOf, type ReviewServer, refusals } from './review-server.ts';

export interface OverviewRoutesOptions {
  readonly overviews: Overviews;
  readonly clock: Clock;
  /** Goes up whenever records came into groups or left them. */
  readonly revision: () => number;
  /** Aborted when the server closes. */
  readonly signal: AbortSignal;
}

const streamsMax = 200;
const secondMs = 1_000;
/** Then the browser asks again, and whoever may no longer see anything is turned away. */
const streamMsMax = 10 * 60_000;

/** The service at a glance, once or every second. */
export function addOverviewRoutes(server: ReviewServer, options: OverviewRoutesOptions): void {
  const { overviews } = options;
  server.get('/api/v1/overview', { schema: { summary: 'The service at a glance', response: { 200: overview, ...refusals } } }, (request) =>
    overviews.of(callerOf(request)),
  );
  let streams = 0;
  server.get(
    '/api/v1/live',
    {
      schema: {
        summary: 'The overview every second, and a word when groups have changed (server-sent events)',
        produces: ['text/event-stream'],
      },
    },
    (request, reply) => {
      if (streams >= streamsMax) throw new HttpRefusal(503, `${streamsMax} pages listen already.`);
      streams += 1;
      const gone = new AbortController();
      request.raw.once('close', () => {
        streams -= 1;
        gone.abort();
      });
      const signal = AbortSignal.any([gone.signal, options.signal]);
      return reply
        .type('text/event-stream; charset=utf-8')
        .header('x-accel-buffering', 'no')
        .send(Readable.from(eventsFor(callerOf(request), options, signal)));
    },
  );
}

async function* eventsFor(
  caller: Caller,
  { overviews, clock, revision }: OverviewRoutesOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const endMs = clock.monotonic() + streamMsMax;
  let seen = revision();
  while (!signal.aborted && clock.monotonic() < endMs) {
    // What cannot be asked right now is asked a second later; the stream stays.
    const now = await overviews.of(caller).catch(() => null);
    yield now ? `event: overview\ndata: ${JSON.stringify(now)}\n\n` : ': the database is away\n\n';
    if (revision() !== seen) {
      seen = revision();
      yield `event: groups\ndata: ${seen}\n\n`;
    }
    await clock.sleep(secondMs, signal);
  }
}
