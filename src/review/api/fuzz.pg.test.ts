import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WhatIf } from '../../evolve/what-if.ts';
import { type CallOptions, openReviewStage, type ReviewStage } from '../../testing/review-stage.ts';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly body: JsonSchema | null;
}

interface JsonSchema {
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
}

interface Described {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
}

/** A stream has no end. */
const leftOut = new Set(['/api/v1/live']);
/** A plan is made with Kafka, which this stage does not have. */
const mayBeAway = ({ method, path }: Operation) => method === 'POST' && path === '/api/v1/replays';

function operationsOf(document: { readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>> }): Operation[] {
  return Object.entries(document.paths)
    .filter(([path]) => !leftOut.has(path))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
        path,
        method: method.toUpperCase(),
        query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
        body: requestBody?.content['application/json']?.schema ?? null,
      })),
    );
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom("'; DROP TABLE x", '%', '_', '\\', '\0', '*', '\ud800', 'a\udfff'),
);
const known = fc.constantFrom(
  '1',
  '0',
  '-1',
  '501',
  '2026-01-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  'quarantined',
  'open',
  'user_event',
  'v1:missing',
);
const cursor = fc
  .array(fc.oneof(fc.string(), fc.integer().map(String), fc.constantFrom('1e999', '-1e-999', '\ud800', '9999999999999999', 'v1:missing')), {
    maxLength: 3,
  })
  .map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url'));
const value = fc.oneof(text, known, cursor);

/** What fits the schema here and there, and anything at all elsewhere. */
function bodyOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.anyOf && schema.anyOf.length > 0) return fc.oneof(...schema.anyOf.map(bodyOf));
  if (schema.enum) return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...schema.enum) }, fc.jsonValue());
  if (schema.properties) {
    const members = Object.fromEntries(Object.entries(schema.properties).map(([name, member]) => [name, bodyOf(member)]));
    return fc.oneof({ weight: 4, arbitrary: fc.record(members, { requiredKeys: [] }) }, fc.jsonValue());
  }
  return fc.oneof(text, known, fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true }), fc.boolean(), fc.jsonValue());
}

/** What comes in the place of every parameter and of every body, one after another. */
const hostile: readonly string[] = ['', '\0', '\ud800', '../../etc/passwd', '1e999', '-1', '9'.repeat(400)];
const hostileBodies: readonly unknown[] = [
  null,
  [],
  0,
  '',
  { patch: [{ op: 'test', path: '', value: null }] },
  { ids: [], filter: {} },
  {},
];

function openFuzzStage() {
  const none = { accepted: 0, refused: 0, causes: [] };
  // What a trial says is not what is tried here.
  return openReviewStage({ tryCandidate: () => Promise.resolve({ quarantine: none, valid: none } as unknown as WhatIf) });
}

/** The status, which no request may bring to one of ours. */
async function answerTo(stage: ReviewStage, operation: Operation, path: string, options: CallOptions): Promise<void> {
  const { status } = await stage.call(path, { ...options, method: operation.method });
  const isAllowed = status < 500 || status === 501 || (status === 503 && mayBeAway(operation));
  if (!isAllowed) throw new Error(`${operation.method} ${path} with ${JSON.stringify(options.body)} answered ${status}`);
}

test('no route takes what is hostile in the place of any parameter or of the body for more than it is', async () => {
  const stage = await openFuzzStage();
  await stage.quarantine([{ offset: 0, fault: { fingerprint: 'v1:missing' } }]);
  const operations = operationsOf((await stage.call('/openapi.json')).body);
  const tried = new Set<string>();
  for (const operation of operations) {
    const plain = operation.path.replaceAll(/\{\w+\}/g, 'v1:missing');
    const headers = { 'if-match': '1' };
    for (const hostileText of hostile) {
      const part = encodeURIComponent(Buffer.from(hostileText).toString()) || 'x';
      await answerTo(
        stage,
        operation,
        operation.path.replaceAll(/\{\w+\}/g, () => part),
        { headers },
      );
      for (const name of operation.query) await answerTo(stage, operation, `${plain}?${name}=${part}`, { headers });
    }
    if (operation.method !== 'GET') for (const body of hostileBodies) await answerTo(stage, operation, plain, { headers, body });
    tried.add(`${operation.method} ${operation.path}`);
  }
  expect(tried.size).toBe(operations.length);
});

test('no request, however odd, is more than the service can answer', async () => {
  const stage = await openFuzzStage();
  const [id = ''] = await stage.quarantine([{ offset: 0, fault: { fingerprint: 'v1:missing' } }]);
  const operations = operationsOf((await stage.call('/openapi.json')).body);
  expect(operations.length).toBeGreaterThan(15);
  const asked = fc.constantFrom(...operations).chain((operation) =>
    fc.record({
      operation: fc.constant(operation),
      parts: fc.array(fc.oneof(fc.constant(id), fc.constant('v1:missing'), fc.constant('user_event'), text), {
        minLength: 3,
        maxLength: 3,
      }),
      query: fc.dictionary(fc.oneof(fc.constantFrom('limit', ...operation.query), fc.string({ maxLength: 5 })), value, { maxKeys: 4 }),
      version: fc.option(
        fc.oneof(
          known,
          text.map((one) => one.replaceAll(/[^\x20-\x7e]/g, '?')),
        ),
      ),
      body: operation.body ? bodyOf(operation.body) : fc.constant(undefined),
    }),
  );
  await fc.assert(
    fc.asyncProperty(asked, async ({ operation, parts, query, version, body }) => {
      const path = operation.path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(Buffer.from(parts.shift() ?? '').toString()) || 'x');
      const search = new URLSearchParams(Object.entries(query)).toString();
      await answerTo(stage, operation, `${path}?${search}`, { headers: version === null ? {} : { 'if-match': version }, body });
    }),
    { numRuns: 400 },
  );
});
