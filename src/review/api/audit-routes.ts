import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { auditPage, auditQuery } from '../contract/session.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { callerOf, type ReviewServer, refusals } from './review-server.ts';

/** The audit log, newest first. It names every reader and every subject, so it is the admin's. */
export function addAuditRoutes(server: ReviewServer, { audit }: { readonly audit: AuditLog }): void {
  server.get(
    '/api/v1/audit',
    {
      config: { role: 'admin' },
      schema: { summary: 'The audit log, newest first', querystring: auditQuery, response: { 200: auditPage, ...refusals } },
    },
    async (request) => {
      const { query } = request;
      if (callerOf(request).topicPrefixes.length > 0)
        throw new HttpRefusal(403, 'The audit log knows no topics; this caller is held to some.');
      const { limit, cursor, by, action, subject } = query;
      const [before] = decodeCursor(cursor, [/^\d{1,18}$/]) ?? [];
      const filter = { by: by ?? null, action: action ?? null, subject: subject ?? null };
      const rows = await audit.list({ ...filter, limit: limit + 1, before: before ?? null });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return {
        items: rows.slice(0, limit).map(({ at, detail, hash, ...entry }) => ({
          ...entry,
          at: at.toISOString(),
          detail: detail === null ? null : (JSON.parse(detail) as Record<string, unknown>),
          hash: hash.toString('hex'),
        })),
        next_cursor: last ? encodeCursor([last.sequence]) : null,
      };
    },
  );
}
