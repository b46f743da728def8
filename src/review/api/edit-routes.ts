import type { FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { Caller } from '../../model/access.ts';
import { type AuditLog, appendAudit } from '../../store/audit-log.ts';
import { bulkEdit, bulkEditBody, groupId, proposalList } from '../contract/groups.ts';
import { pageQuery } from '../contract/page.ts';
import { type EditBody, edit, editBody, editCheck, editList, recordId } from '../contract/records.ts';
import type { BulkEdits } from '../repair/bulk-edits.ts';
import { type Change, readPatch, readRules } from '../repair/change.ts';
import type { EditRequest, Edits } from '../repair/edits.ts';
import { proposeRepairs } from '../repair/proposals.ts';
import type { SchemaDocuments } from '../repair/schema-documents.ts';
import { decodeCursor, encodeCursor, uuidPattern } from './cursor.ts';
import { actionOf, callerOf, etagOf, expectedVersion, type ReviewServer, refusals } from './review-server.ts';

export interface EditRoutesOptions {
  readonly edits: Edits;
  readonly bulk: BulkEdits;
  readonly schemas: SchemaDocuments;
  readonly audit: AuditLog;
}

/** As large as a message can be, and its escapes. */
const bodyBytesMax = 32 * 2 ** 20;

/** Edits of records, one by one and by cause. */
export function addEditRoutes(server: ReviewServer, options: EditRoutesOptions): void {
  server.register(async (scope) => {
    const texts = keepTexts(scope.withTypeProvider<ZodTypeProvider>());
    addEditList(scope.withTypeProvider<ZodTypeProvider>(), options);
    addRecordEdits(scope.withTypeProvider<ZodTypeProvider>(), texts, options);
    addGroupEdits(scope.withTypeProvider<ZodTypeProvider>(), texts, options);
  });
}

/** The text of a request's body, beside what was parsed of it: numbers beyond 2^53 are only whole in there. */
type Texts = (request: FastifyRequest) => string;

function keepTexts(server: ReviewServer): Texts {
  const texts = new WeakMap<FastifyRequest, string>();
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    texts.set(request, String(body));
    void parse(request, String(body), done);
  });
  return (request) => texts.get(request) ?? '{}';
}

function madeOf(body: EditBody, text: string, caller: Caller): EditRequest['made'] {
  return 'value' in body ? { value: body.value } : { change: blind(readPatch(text), caller) };
}

/** A change that asks what a message holds tells it, bit by bit, to whoever may not read it. */
function blind(change: Change, { payloadRead }: Caller): Change {
  const asks = change.kind === 'patch' ? change.patch.some(({ op }) => asking.has(op)) : change.rules.some((rule) => rule.do === 'map');
  if (asks && !payloadRead)
    throw new HttpRefusal(403, 'This change asks what messages hold (test, copy, move, map): it needs payload:read.');
  return change;
}

const asking: ReadonlySet<string> = new Set(['test', 'copy', 'move']);

function addEditList(server: ReviewServer, { edits, audit }: EditRoutesOptions): void {
  server.get(
    '/api/v1/records/:id/edits',
    {
      schema: {
        summary: 'The edits of a record, oldest first',
        params: recordId,
        querystring: pageQuery,
        response: { 200: editList, ...refusals },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const { limit, cursor } = request.query;
      const [after = null] = decodeCursor(cursor, [uuidPattern]) ?? [];
      const { items, next } = await edits.editsOf(request.params.id, { after, limit }, caller);
      if (caller.payloadRead && items.length > 0)
        await audit.append(actionOf(caller, { action: 'payload.read', subject: request.params.id, detail: { edits: items.length } }));
      return { items, next_cursor: next && encodeCursor([next]) };
    },
  );
}

function addRecordEdits(server: ReviewServer, textOf: Texts, { edits }: EditRoutesOptions): void {
  server.post(
    '/api/v1/records/:id/edits',
    {
      bodyLimit: bodyBytesMax,
      config: { role: 'reviewer' },
      schema: {
        summary: 'Edit a record; refused with the verdict if it is still invalid',
        params: recordId,
        body: editBody,
        response: { 201: edit, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const version = expectedVersion(request);
      const { body } = request;
      const asked = {
        recordId: request.params.id.toLowerCase(),
        version,
        made: madeOf(body, textOf(request), caller),
        schemaVersion: body.schema_version ?? null,
      };
      const by = 'value' in body ? 'value' : 'patch';
      const done = await edits.editRecord(asked, caller, (client, { id, payloadSha256, schemaVersion }) => {
        const detail = { edit: id, sha256: payloadSha256.toString('hex'), by, schema_version: schemaVersion };
        return appendAudit(client, actionOf(caller, { action: 'record.edit', subject: asked.recordId, detail }));
      });
      return reply.code(201).header('etag', etagOf(done.version)).send(done.edit);
    },
  );
  server.post(
    '/api/v1/records/:id/edits/check',
    {
      bodyLimit: bodyBytesMax,
      config: { role: 'reviewer' },
      schema: {
        summary: 'What would be said of an edit; nothing is kept',
        params: recordId,
        body: editBody,
        response: { 200: editCheck, ...refusals },
      },
    },
    async (request) => {
      const { body } = request;
      const caller = callerOf(request);
      const made = madeOf(body, textOf(request), caller);
      return edits.checkEdit({ recordId: request.params.id, made, schemaVersion: body.schema_version ?? null }, caller);
    },
  );
}

function addGroupEdits(server: ReviewServer, textOf: Texts, { bulk, schemas, audit }: EditRoutesOptions): void {
  server.get(
    '/api/v1/groups/:fingerprint/proposals',
    {
      config: { role: 'reviewer' },
      schema: { summary: 'Repairs that the records of a cause suggest', params: groupId, response: { 200: proposalList, ...refusals } },
    },
    async (request) => {
      const { fingerprint } = request.params;
      const caller = callerOf(request);
      const items = await proposeRepairs(fingerprint, { bulk, schemas }, caller);
      if (caller.payloadRead && items.length > 0)
        await audit.append(actionOf(caller, { action: 'payload.read', subject: fingerprint, detail: { proposals: items.length } }));
      return { items, next_cursor: null };
    },
  );
  server.post(
    '/api/v1/groups/:fingerprint/edits',
    {
      config: { role: 'reviewer' },
      schema: {
        summary: 'Edit all open records of a cause, or see what that would do',
        params: groupId,
        body: bulkEditBody,
        response: { 200: bulkEdit, ...refusals },
      },
    },
    async (request) => {
      const { fingerprint } = request.params;
      const { rules, schema_version: schemaVersion = null, dry_run: dryRun, overwrite } = request.body;
      const caller = callerOf(request);
      const change = blind(rules ? readRules(rules) : readPatch(textOf(request)), caller);
      const by = rules ? 'rules' : 'patch';
      const outcome = await bulk.edit({ fingerprint, change, schemaVersion, dryRun, overwrite }, caller, (client, kept) =>
        appendAudit(client, actionOf(caller, { action: 'group.edit', subject: fingerprint, detail: { ...kept, by, overwrite } })),
      );
      const texts = outcome.examples.filter(({ before }) => before !== undefined).length;
      if (texts > 0) await audit.append(actionOf(caller, { action: 'payload.read', subject: fingerprint, detail: { examples: texts } }));
      return outcome;
    },
  );
}
