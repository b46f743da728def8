import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { Database } from '../../drivers/postgres/database.ts';
import { isRetryable } from '../../lib/errors.ts';
import type { Caller } from '../../model/access.ts';
import type { Header } from '../../model/header.ts';
import type { RecordStatus } from '../../model/record.ts';
import type { AuditLog, AuditRow } from '../../store/audit-log.ts';
import { changeStatus } from '../../store/change-record.ts';
import type { EditStore, StoredEdit } from '../../store/edits.ts';
import type { ForeignRow, ForeignStore } from '../../store/foreign-store.ts';
import type { Stored } from '../../store/frame-reader.ts';
import type { Payloads } from '../../store/payloads.ts';
import { type RecordReplay, replaysOf } from '../../store/record-replays.ts';
import type { RecordRow, RecordSearch } from '../../store/record-search.ts';
import { isSourceReference } from '../../store/source-reference.ts';
import {
  type PayloadState,
  type RecordDetail,
  record,
  recordDetail,
  recordId,
  recordPage,
  recordPatch,
  recordQuery,
} from '../contract/records.ts';
import { readLetter } from '../intake/read-letter.ts';
import { lossOf, refuseLost } from '../repair/lost-payload.ts';
import { selectionOf } from '../replay/selection-of.ts';
import { decodeCursor, encodeCursor, momentPattern, uuidPattern } from './cursor.ts';
import { recordItem, textOf } from './record-item.ts';
import { actionOf, callerOf, etagOf, expectedVersion, notFound, type ReviewServer, refusals, stale } from './review-server.ts';

export interface RecordRoutesOptions {
  readonly database: Database;
  readonly payloads: Payloads;
  readonly search: RecordSearch;
  readonly audit: AuditLog;
  readonly edits: EditStore;
  readonly foreign: ForeignStore;
}

const historyEntriesMax = 200;
/** What a person may take a record out of; replays and erasures have their own ways. */
const statusesOfPeople: readonly RecordStatus[] = ['quarantined', 'in_review', 'discarded'];

/** Lists, one record, its bytes, its status. */
export function addRecordRoutes(server: ReviewServer, options: RecordRoutesOptions): void {
  addReading(server, options);
  addPayload(server, options);
  addChanges(server, options);
}

function addReading(server: ReviewServer, options: RecordRoutesOptions): void {
  const { search, audit } = options;
  server.get(
    '/api/v1/records',
    { schema: { summary: 'Records, newest first', querystring: recordQuery, response: { 200: recordPage, ...refusals } } },
    async (request) => {
      const { query } = request;
      const caller = callerOf(request);
      const selection = selectionOf(query, caller);
      const [at, id] = decodeCursor(query.cursor, [momentPattern, uuidPattern]) ?? [];
      const after = at !== undefined && id !== undefined ? { at, id } : null;
      const { rows, next } = await search.page(selection, { limit: query.limit, after });
      return {
        items: rows.map((row) => recordItem(row, caller)),
        next_cursor: next && encodeCursor([next.at, next.id]),
        ...(query.facets === '1' && { facets: await search.facets(selection) }),
      };
    },
  );
  server.get(
    '/api/v1/records/:id',
    { schema: { summary: 'One record', params: recordId, response: { 200: recordDetail, ...refusals } } },
    async (request, reply) => {
      const caller = callerOf(request);
      const row = await found(search, request.params.id, caller);
      reply.header('etag', etagOf(row.version));
      const detail = await detailOf(row, caller, options);
      // What was thrown may quote the payload.
      if (detail.dead_letter !== null && detail.dead_letter.message !== null)
        await audit.append(actionOf(caller, { action: 'payload.read', subject: row.id, detail: { exceptions: 1 } }));
      return detail;
    },
  );
}

async function found(search: RecordSearch, id: string, { topicPrefixes }: Caller): Promise<RecordRow> {
  const row = await search.find(id.toLowerCase(), topicPrefixes);
  if (!row) throw notFound('record');
  return row;
}

async function detailOf(
  row: RecordRow,
  caller: Caller,
  { database, search, audit, payloads, edits, foreign }: RecordRoutesOptions,
): Promise<RecordDetail> {
  const [neighbours, entries, replays, made, looked, letter] = await Promise.all([
    search.neighbours(row),
    audit.of(row.id, historyEntriesMax),
    replaysOf(database, row.id),
    edits.newest(row.id, historyEntriesMax),
    caller.payloadRead && row.status !== 'erased' ? lookInto(row, payloads) : { state: stateOf(row), headers: [] },
    row.family === null ? null : foreign.find(row.id),
  ]);
  return {
    ...recordItem(row, caller),
    neighbours,
    payload_state: looked.state,
    headers: looked.headers.map(headerItem),
    history: historyOf(entries, replays),
    edits: made.map(editItem),
    dead_letter: letter && letterItem(letter, looked.headers),
  };
}

function letterItem(
  { topic, partition, offset, originTopic, exception, valueIsNull }: ForeignRow,
  headers: readonly Header[],
): RecordDetail['dead_letter'] {
  const { message } = readLetter(headers);
  return { topic, partition, offset: String(offset), origin_topic: originTopic, exception, message, value_is_null: valueIsNull };
}

/** A record whose payload is lost still has its page: the row says all that is known then. */
async function lookInto(row: RecordRow, payloads: Payloads): Promise<{ state: PayloadState; headers: readonly Header[] }> {
  try {
    const { headers } = await payloads.frame(storedOf(row));
    return { state: stateOf(row), headers };
  } catch (error) {
    const state = lossOf(error) ?? (isRetryable(error) ? 'away' : null);
    if (state === null) throw error;
    return { state, headers: [] };
  }
}

/** What the row alone says. */
function stateOf({ status, storage_path: path }: RecordRow): PayloadState {
  if (status === 'erased') return 'erased';
  return isSourceReference(path) ? 'in_source' : 'stored';
}

function storedOf({ storage_path: storagePath, payload_sha256: payloadSha256 }: RecordRow): Stored {
  return { storagePath, payloadSha256 };
}

function headerItem({ name, value }: Header): RecordDetail['headers'][number] {
  return { name, value: textOf(value), value_base64: value?.toString('base64') ?? null };
}

function editItem({ id, at, by, schemaVersion }: StoredEdit): RecordDetail['edits'][number] {
  return { id, at: at.toISOString(), by, valid: true, schema_version: schemaVersion };
}

/** What people did with a record, and what replays made of it, oldest first. */
function historyOf(entries: readonly AuditRow[], replays: readonly RecordReplay[]): RecordDetail['history'] {
  const published = replays.map(({ plan, target, at, by, state, message }) => {
    const detail = JSON.stringify({ replay: plan, to: target, ...(message !== null && { message }) });
    return { at, by, action: `replay.${state}`, detail };
  });
  const all = [...entries, ...published].sort((one, other) => one.at.getTime() - other.at.getTime());
  return all.map(({ at, by, action, detail }) => ({ at: at.toISOString(), by, action, detail }));
}

function addPayload(server: ReviewServer, { search, audit, payloads }: RecordRoutesOptions): void {
  server.get(
    '/api/v1/records/:id/payload',
    { schema: { summary: 'The bytes of one record, as they came', params: recordId, produces: ['application/octet-stream'] } },
    async (request, reply) => {
      const caller = callerOf(request);
      if (!caller.payloadRead) {
        await audit.append(actionOf(caller, { action: 'denied', subject: request.params.id, detail: { needed: 'payload:read' } }));
        throw new HttpRefusal(403, 'Reading payloads needs the right payload:read.');
      }
      const row = await found(search, request.params.id, caller);
      if (row.status === 'erased') throw new HttpRefusal(410, 'This payload was erased.');
      await audit.append(actionOf(caller, { action: 'payload.read', subject: row.id, detail: null }));
      const { value } = await payloads.frame(storedOf(row)).catch(refuseLost);
      return sendInert(reply, row.id, value);
    },
  );
}

/** Whatever the bytes are, a browser keeps them as a file and runs nothing of them. */
function sendInert(reply: FastifyReply, id: string, bytes: Buffer): FastifyReply {
  return reply
    .headers({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${id}.bin"`,
      'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    })
    .send(bytes);
}

function addChanges(server: ReviewServer, { database, search }: RecordRoutesOptions): void {
  const change = async (request: FastifyRequest, { id, to }: { id: string; to: RecordStatus }) => {
    const caller = callerOf(request);
    const version = expectedVersion(request);
    const row = await found(search, id, caller);
    if (row.version !== version) throw stale();
    if (!statusesOfPeople.includes(row.status)) throw new HttpRefusal(409, `A record that is ${row.status} cannot be made ${to} by hand.`);
    const audit = actionOf(caller, { action: 'record.status', subject: row.id, detail: { from: row.status, to, version } });
    const changed = await changeStatus(database, { id: row.id, version, from: statusesOfPeople, to, audit });
    if (!changed) throw stale();
    return { etag: etagOf(changed.version), item: recordItem(changed, caller) };
  };
  const answers = { 200: record, ...refusals };
  server.patch(
    '/api/v1/records/:id',
    { config: { role: 'reviewer' }, schema: { summary: 'Change the status', params: recordId, body: recordPatch, response: answers } },
    async (request, reply) => {
      const { etag, item } = await change(request, { id: request.params.id, to: request.body.status });
      return reply.header('etag', etag).send(item);
    },
  );
  server.post(
    '/api/v1/records/:id/discard',
    { config: { role: 'reviewer' }, schema: { summary: 'Discard', params: recordId, response: answers } },
    async (request, reply) => {
      const { etag, item } = await change(request, { id: request.params.id, to: 'discarded' });
      return reply.header('etag', etag).send(item);
    },
  );
}
