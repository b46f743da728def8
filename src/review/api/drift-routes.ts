import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { Drift } from '../../evolve/drift-report.ts';
import { type DriftItem, driftPage, driftQuery } from '../contract/schemas.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { callerOf, type ReviewServer, refusals } from './review-server.ts';

export interface DriftRoutesOptions {
  /** Where messages and schemas part: those of one schema, or all. */
  readonly drift: (name: string | null) => Promise<readonly Drift[]>;
}

/** Where messages and schemas part. */
export function addDriftRoutes(server: ReviewServer, { drift }: DriftRoutesOptions): void {
  server.get(
    '/api/v1/drift',
    { schema: { summary: 'Where messages and schemas part', querystring: driftQuery, response: { 200: driftPage, ...refusals } } },
    async (request) => {
      const { schema = null, limit, cursor } = request.query;
      const from = Number(decodeCursor(cursor, [/^\d{1,9}$/])?.[0] ?? 0);
      if (callerOf(request).topicPrefixes.length > 0)
        throw new HttpRefusal(403, 'Drift is counted over all topics; this caller is held to some.');
      const all = await drift(schema);
      const to = from + limit;
      return { items: all.slice(from, to).map(itemOf), next_cursor: to < all.length ? encodeCursor([String(to)]) : null };
    },
  );
}

function itemOf({ schema, version, producer, kind, path, types, messages, first_seen, last_seen }: Drift): DriftItem {
  const identity = { schema_name: schema, schema_version: version, producer: producer === '' ? null : producer };
  return { ...identity, kind, path, types: [...types], count: messages, first_seen, last_seen };
}
