import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Caller } from '../../model/access.ts';
import type { GroupFlow, GroupRow, GroupStore } from '../../store/group-store.ts';
import { type Group, group, groupId, groupPage, groupPatch, groupQuery } from '../contract/groups.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { actionOf, callerOf, etagOf, expectedVersion, notFound, type ReviewServer, refusals, stale } from './review-server.ts';

export interface GroupRoutesOptions {
  readonly groups: GroupStore;
  readonly clock: Clock;
  /** Waits until every record that is there is counted. */
  readonly catchUp: () => Promise<void>;
}

/** What a double is written as: neither the database nor we could hold a greater exponent. */
const rankPattern = /^-?\d{1,22}(\.\d{1,20})?(e(\+2?\d{1,2}|-[123]?\d{1,2}))?$/;
const noFlow: GroupFlow = { hourly: [], perMinute: 0 };

/** Records by cause. */
export function addGroupRoutes(server: ReviewServer, options: GroupRoutesOptions): void {
  const { groups, clock, catchUp } = options;
  server.get(
    '/api/v1/groups',
    { schema: { summary: 'Causes, the most harmful first', querystring: groupQuery, response: { 200: groupPage, ...refusals } } },
    async (request) => {
      const { query } = request;
      const { topicPrefixes } = callerOf(request);
      const [rank, fingerprint, asOf] = decodeCursor(query.cursor, [rankPattern, /^[^\0]{1,300}$/, /^\d{13}$/]) ?? [];
      const after = rank !== undefined && fingerprint !== undefined ? { rank: Number(rank), fingerprint, asOfMs: Number(asOf) } : null;
      const asOfMs = after?.asOfMs ?? clock.now();
      if (!after) await catchUp();
      const { state = null, schema = null, topic = null, family = null, q = null, sort, limit } = query;
      const rows = await groups.list({ state, schema, topic, family, text: q, topicPrefixes }, { sort, limit: limit + 1, asOfMs, after });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      const shown = rows.slice(0, limit);
      const flows = await groups.flows(fingerprintsOf(shown), { nowMs: clock.now(), topicPrefixes });
      return {
        items: shown.map((row) => groupItem(row, flows.get(row.fingerprint) ?? noFlow)),
        next_cursor: last ? encodeCursor([String(last.rank), last.fingerprint, String(asOfMs)]) : null,
      };
    },
  );
  server.get(
    '/api/v1/groups/:fingerprint',
    { schema: { summary: 'One cause', params: groupId, response: { 200: group, ...refusals } } },
    async (request, reply) => {
      const item = await found(request.params.fingerprint, callerOf(request), options);
      return reply.header('etag', etagOf(item.version)).send(item);
    },
  );
  server.patch(
    '/api/v1/groups/:fingerprint',
    {
      config: { role: 'reviewer' },
      schema: { summary: 'Change the state', params: groupId, body: groupPatch, response: { 200: group, ...refusals } },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const version = expectedVersion(request);
      const before = await found(request.params.fingerprint, caller, options);
      if (before.version !== version) throw stale();
      const { state, resolved_in, archived_until, archived_until_count } = request.body;
      if (resolved_in !== undefined && state !== 'resolved') throw misplaced('resolved_in', 'resolved');
      if ((archived_until ?? archived_until_count) !== undefined && state !== 'archived') throw misplaced('archived_until', 'archived');
      const detail = { from: before.state, to: state, resolved_in, archived_until, archived_until_count, version };
      const changed = await groups.change({
        fingerprint: before.fingerprint,
        version,
        state,
        resolvedIn: resolved_in ?? null,
        archivedUntil: archived_until ?? null,
        archivedUntilCount: archived_until_count ?? null,
        audit: actionOf(caller, { action: 'group.state', subject: before.fingerprint, detail }),
      });
      if (!changed) throw stale();
      const item = await found(before.fingerprint, caller, options);
      return reply.header('etag', etagOf(item.version)).send(item);
    },
  );
}

function misplaced(member: string, state: string): HttpRefusal {
  return new HttpRefusal(400, 'The request is not as it must be.', {
    errors: [{ path: `body.${member}`, message: `goes with the state ${state} alone` }],
  });
}

async function found(fingerprint: string, { topicPrefixes }: Caller, { groups, clock, catchUp }: GroupRoutesOptions): Promise<Group> {
  await catchUp();
  const row = await groups.find(fingerprint, topicPrefixes);
  if (!row) throw notFound('group');
  const flows = await groups.flows([fingerprint], { nowMs: clock.now(), topicPrefixes });
  return groupItem(row, flows.get(fingerprint) ?? noFlow);
}

function groupItem({ rank: _, ...row }: GroupRow, { hourly, perMinute }: GroupFlow): Group {
  return {
    ...row,
    state: row.state as Group['state'],
    first_seen: row.first_seen.toISOString(),
    last_seen: row.last_seen.toISOString(),
    archived_until: row.archived_until?.toISOString() ?? null,
    rate_per_minute: perMinute,
    hourly,
  };
}

function fingerprintsOf(rows: readonly GroupRow[]): string[] {
  return rows.map(({ fingerprint }) => fingerprint);
}
