import { Readable } from 'node:stream';
import type { Caller } from '../../model/access.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import type { RecordPage, RecordPlace, RecordSearch } from '../../store/record-search.ts';
import { exportColumns } from '../contract/export-columns.ts';
import { type RecordFilter, recordFilter } from '../contract/records.ts';
import { selectionOf } from '../replay/selection-of.ts';
import { csvLine } from './csv-line.ts';
import { recordItem } from './record-item.ts';
import { actionOf, callerOf, type ReviewServer } from './review-server.ts';

export interface ExportRoutesOptions {
  readonly search: RecordSearch;
  readonly audit: AuditLog;
}

const pageRows = 500;

/** A list of records as a table (RFC 4180), all of them: page follows page for as long as the caller reads. */
export function addExportRoutes(server: ReviewServer, { search, audit }: ExportRoutesOptions): void {
  server.get(
    '/api/v1/records.csv',
    { schema: { summary: 'Records as CSV, newest first', querystring: recordFilter, produces: ['text/csv'] } },
    async (request, reply) => {
      const caller = callerOf(request);
      // A search may quote keys, so the log says that there was one, and not what for.
      const { q, ...filter } = request.query;
      await audit.append(actionOf(caller, { action: 'records.export', subject: null, detail: { ...filter, searched: q !== undefined } }));
      return reply
        .type('text/csv; charset=utf-8; header=present')
        .header('content-disposition', 'attachment; filename="records.csv"')
        .send(Readable.from(linesOf(search, request.query, caller)));
    },
  );
}

async function* linesOf(search: RecordSearch, filter: RecordFilter, caller: Caller): AsyncGenerator<string> {
  yield csvLine(exportColumns);
  let after: RecordPlace | null = null;
  do {
    const page: RecordPage = await search.page(selectionOf(filter, caller), { limit: pageRows, after });
    const items = page.rows.map((row) => recordItem(row, caller));
    if (items.length > 0) yield items.map((item) => csvLine(exportColumns.map((column) => item[column]))).join('');
    after = page.next;
  } while (after !== null);
}
