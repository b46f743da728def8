import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openReviewStage } from '../../testing/review-stage.ts';

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

/** Streams have no end, and trials and plans need Kafka. */
const leftOut = new Set(['/api/v1/live', '/api/v1/schemas/{name}/whatif', '/api/v1/replays']);

function operationsOf(document: { readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>> }): Operation[] {
  return Object.entries(document.paths)
    .filter(([path]) => !leftOut.has(path) && !path.endsWith('/events'))
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
  fc.constantFrom("'; DROP TABLE x", '%', '_', '\\', '\0', '*'),
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
  .array(fc.oneof(fc.string(), fc.integer().map(String)))
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
  return fc.oneof(text, known, fc.integer(), fc.boolean(), fc.jsonValue());
}

test('no request, however odd, is more than the service can answer', async () => {
  const stage = await openReviewStage();
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
      const { status } = await stage.call(`${path}?${search}`, {
        method: operation.method,
        headers: version === null ? {} : { 'if-match': version },
        body,
      });
      if (status >= 500 && status !== 501) throw new Error(`${operation.method} ${path}?${search} answered ${status}`);
    }),
    { numRuns: 400 },
  );
});
