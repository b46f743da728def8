import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { erasureBody } from '../contract/records.ts';
import { actionOf, callerOf, type ReviewServer } from './review-server.ts';

/** Erasing what is kept of a person is an admin's, and not built: whoever may ask for it is told so. */
export function addErasureRoutes(server: ReviewServer, { audit }: { readonly audit: AuditLog }): void {
  server.post(
    '/api/v1/erasures',
    { config: { role: 'admin' }, schema: { summary: 'Erase what is kept of a person (not built: 501)', body: erasureBody } },
    async (request) => {
      // The subject names a person, so the log does not.
      await audit.append(actionOf(callerOf(request), { action: 'erasure.asked', subject: null, detail: null }));
      throw new HttpRefusal(501, 'Erasure comes with a later version.');
    },
  );
  server.get('/api/v1/erasures/:id', { config: { role: 'admin' }, schema: { summary: 'How far an erasure is (not built: 501)' } }, () => {
    throw new HttpRefusal(501, 'Erasure comes with a later version.');
  });
}
