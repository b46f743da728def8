import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileInMemory } from '../compiler.ts';
import { compareSchemas } from './compare-schemas.ts';
import { searchWitness } from './witness-search.ts';

const small = fc.integer({ min: 0, max: 3 });
const name = fc.constantFrom('a', 'b', 'x1');
const scalar = fc.constantFrom<unknown>(null, true, 0, 1, 2.5, '', 'a', 'xx');
const pattern = fc.constantFrom('^a', '[0-9]', '^[a-z]{1,3}$', 'x$', '^$', '^(a|b)x?$');
const type = fc.constantFrom('null', 'boolean', 'integer', 'number', 'string', 'array', 'object');

/** Small schemas over few names and values, so that two of them have much to do with each other. */
const { schema } = fc.letrec<{ schema: unknown }>((tie) => {
  const part = tie('schema');
  const parts = fc.array(part, { minLength: 1, maxLength: 2 });
  const optional = { requiredKeys: [] };
  const numbers = fc.record({ minimum: small, exclusiveMaximum: small, multipleOf: fc.constantFrom(1, 2, 0.5) }, optional);
  const texts = fc.record({ minLength: small, maxLength: small, pattern, format: fc.constantFrom('date', 'ipv4') }, optional);
  const arrays = fc.record(
    { items: fc.oneof(part, parts), additionalItems: part, contains: part, minItems: small, maxItems: small, uniqueItems: fc.boolean() },
    optional,
  );
  const objects = fc.record(
    {
      properties: fc.dictionary(name, part, { maxKeys: 2 }),
      patternProperties: fc.dictionary(pattern, part, { maxKeys: 1 }),
      additionalProperties: part,
      propertyNames: fc.oneof(fc.record({ pattern }), fc.record({ maxLength: small })),
      required: fc.uniqueArray(name, { maxLength: 2 }),
      minProperties: small,
      maxProperties: small,
      dependencies: fc.dictionary(name, fc.oneof(fc.uniqueArray(name), part), { maxKeys: 1 }),
    },
    optional,
  );
  const logic = fc.oneof(
    fc.record({ anyOf: parts }),
    fc.record({ oneOf: parts }),
    fc.record({ allOf: parts }),
    fc.record({ not: part }),
    fc.record({ if: part, then: part, else: part }, optional),
    fc.constant({ $ref: '#/definitions/self' }),
  );
  const leaf = fc.oneof(
    fc.record({ type }),
    fc.record({ type: fc.uniqueArray(type, { minLength: 1, maxLength: 3 }) }),
    fc.record({ const: scalar }),
    fc.record({ enum: fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }) }),
    numbers,
    texts,
    fc.boolean(),
  );
  const mixed = fc
    .tuple(leaf, fc.oneof(arrays, objects, logic))
    .map(([one, other]) => (typeof one === 'boolean' ? other : { ...one, ...other }));
  return { schema: fc.oneof({ maxDepth: 3, depthSize: 'small' }, leaf, mixed, arrays, objects, logic) };
});

/** `#/definitions/self` is the inner schema again, under a constructor, so that no reference leads to itself at once. */
const withSelf = schema.map((inner) => ({ definitions: { self: { type: 'object', properties: { a: inner } } }, allOf: [inner] }));

const runs = Number(process.env['DQ_RANDOM_PAIRS'] ?? 15);

test('what is called compatible is not contradicted by any document that a search finds, and every witness is one', () => {
  const counts = { true: 0, false: 0, null: 0 };
  const property = fc.property(withSelf, withSelf, fc.boolean(), (left, right, related) => {
    const newer = related ? { definitions: left.definitions, anyOf: [{ allOf: left.allOf }, { type: 'object', required: ['q'] }] } : right;
    const { compatible, findings } = compareSchemas(left, newer, 'backward');
    counts[`${compatible}`] += 1;
    const accepts = compileInMemory(left);
    const takes = compileInMemory(newer);
    for (const { rule, witness } of findings) if (rule !== 'undecided') expect([accepts(witness), takes(witness)]).toEqual([true, false]);
    if (related) expect(compatible).not.toBe(false);
    if (compatible !== true) return;
    const seeds = compareSchemas(left, false, 'backward').findings.map(({ witness }) => witness);
    const search = { accepts, refuses: (document: unknown) => !takes(document), schemas: [left, newer], seeds, textFor: () => null };
    expect(searchWitness({ ...search, rounds: 400 })).toBeNull();
  });
  fc.assert(property, { numRuns: runs, seed: 20_260_101, endOnFailure: true });
  expect(counts.null).toBeLessThanOrEqual(Math.ceil(runs * 0.05));
}, 120_000);
