import { Readable } from 'node:stream';
import type { Caller } from '../../model/access.ts';
import { appendAudit } from '../../store/audit-log.ts';
import type { Also } from '../../store/replay-plans.ts';
import { pageQuery } from '../contract/page.ts';
import { type Replay, replay, replayBody, replayId, replayPage } from '../contract/replays.ts';
import type { ReplayPlans } from '../replay/plans.ts';
import { decodeCursor, encodeCursor, uuidPattern } from './cursor.ts';
import { actionOf, callerOf, type ReviewServer, refusals } from './review-server.ts';

export interface ReplayRoutesOptions {
  readonly plans: ReplayPlans;
  /** Aborted when the server closes. */
  readonly signal: AbortSignal;
}

const idsBytesMax = 8 * 2 ** 20;

/** Plans of replay. */
export function addReplayRoutes(server: ReviewServer, options: ReplayRoutesOptions): void {
  addPlans(server, options);
  addActions(server, options);
  addEvents(server, options);
}

function addPlans(server: ReviewServer, { plans }: ReplayRoutesOptions): void {
  server.post(
    '/api/v1/replays',
    {
      bodyLimit: idsBytesMax,
      config: { role: 'operator' },
      schema: {
        summary: 'Plan a replay: freeze the records and foresee what becomes of each',
        body: replayBody,
        response: { 201: replay, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { dry_run } = request.body;
      const plan = await plans.createPlan(request.body, caller, (client, { id, target, setSha256, counts }) => {
        const forecast = Object.fromEntries(counts.map((one) => [one.forecast, one.records]));
        const detail = { target, dry_run, set_sha256: setSha256.toString('hex'), forecast };
        return appendAudit(client, actionOf(caller, { action: 'replay.plan', subject: id, detail }));
      });
      return reply.code(201).header('location', `/api/v1/replays/${plan.id}`).send(plan);
    },
  );
  server.get(
    '/api/v1/replays',
    { schema: { summary: 'Replays, newest first', querystring: pageQuery, response: { 200: replayPage, ...refusals } } },
    async (request) => {
      const { limit, cursor } = request.query;
      const [after = null] = decodeCursor(cursor, [uuidPattern]) ?? [];
      const { items, next } = await plans.listPlans({ after, limit }, callerOf(request));
      return { items, next_cursor: next && encodeCursor([next]) };
    },
  );
  server.get(
    '/api/v1/replays/:id',
    { schema: { summary: 'One replay', params: replayId, response: { 200: replay, ...refusals } } },
    async (request) => plans.getPlan(request.params.id, callerOf(request)),
  );
}

const actions = {
  start: { summary: 'Start, or go on after a pause', run: (plans: ReplayPlans, ...given: Given) => plans.startPlan(...given) },
  pause: { summary: 'Pause: what is in hand still goes out', run: (plans: ReplayPlans, ...given: Given) => plans.pausePlan(...given) },
  cancel: {
    summary: 'End for good: what has not gone out stays in quarantine',
    run: (plans: ReplayPlans, ...given: Given) => plans.cancelPlan(...given),
  },
} as const;
type Given = [id: string, caller: Caller, also: Also];

function addActions(server: ReviewServer, { plans }: ReplayRoutesOptions): void {
  for (const [name, { summary, run }] of Object.entries(actions)) {
    server.post(
      `/api/v1/replays/:id/${name}`,
      { config: { role: 'operator' }, schema: { summary, params: replayId, response: { 200: replay, ...refusals } } },
      async (request) => {
        const caller = callerOf(request);
        const { id } = request.params;
        return run(plans, id, caller, (client) =>
          appendAudit(client, actionOf(caller, { action: `replay.${name}`, subject: id, detail: null })),
        );
      },
    );
  }
}

/** Then the browser asks again, and its rights are looked at again. */
const streamMsMax = 600_000;

function addEvents(server: ReviewServer, { plans, signal }: ReplayRoutesOptions): void {
  server.get(
    '/api/v1/replays/:id/events',
    { schema: { summary: 'One replay, again after every change (server-sent events)', params: replayId, produces: ['text/event-stream'] } },
    async (request, reply) => {
      const caller = callerOf(request);
      const gone = new AbortController();
      request.raw.on('close', () => gone.abort());
      // Whoever may not see it is told so, and gets no stream.
      const first = await plans.getPlan(request.params.id, caller);
      const events = eventsOf(plans.watchPlan(first.id, caller, AbortSignal.any([signal, gone.signal, AbortSignal.timeout(streamMsMax)])));
      return reply
        .headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
        .send(Readable.from(events));
    },
  );
}

async function* eventsOf(states: AsyncIterable<Replay>): AsyncGenerator<string> {
  for await (const state of states) yield `event: replay\ndata: ${JSON.stringify(state)}\n\n`;
}
