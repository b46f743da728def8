import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bothEngines } from '../testing/native-answers.ts';

const draft2019 = { $schema: 'https://json-schema.org/draft/2019-09/schema' };
const draft2020 = { $schema: 'https://json-schema.org/draft/2020-12/schema' };

const name = fc.constantFrom('a', 'b', 'c', 'ab', 'longer than eight', '', 'é', 'constructor');
const text = fc.oneof(
  name,
  fc.constantFrom('2026-01-01', '1.2.3.4', 'aaa', '😀', 'x@y.zz', '12'),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const number = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, -1, 0.5, 1.5, 10, 100, 1e21, 1e-7),
  fc.integer({ min: -20, max: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(name, tie('value'), { maxKeys: 5 }),
  ),
}));

const count = fc.integer({ min: 0, max: 4 });
const type = fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'boolean', 'null');
const pattern = fc.constantFrom('^a', 'b$', '^[a-c]*$', '.', '\\d+', 'é');
const format = fc.constantFrom('date', 'ipv4', 'email', 'uuid', 'hostname', 'int32', 'unknown', 'date-time', 'uri');

const schemaOf = (draft: object, reference: string) =>
  fc.letrec<{ schema: unknown }>((tie) => {
    const inner = tie('schema');
    const list = fc.array(inner, { minLength: 1, maxLength: 3 });
    const keywords: Record<string, fc.Arbitrary<unknown>> = {
      type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 4 })),
      enum: fc.array(anyValue, { minLength: 1, maxLength: 4 }),
      const: anyValue,
      minimum: number,
      maximum: number,
      exclusiveMinimum: number,
      exclusiveMaximum: number,
      multipleOf: fc.constantFrom(1, 2, 0.5, 0.1, 0.01, 3),
      minLength: count,
      maxLength: count,
      pattern,
      format,
      items: 'prefixItems' in draft ? inner : fc.oneof(inner, list),
      additionalItems: inner,
      prefixItems: list,
      contains: inner,
      minContains: count,
      maxContains: count,
      minItems: count,
      maxItems: count,
      uniqueItems: fc.boolean(),
      properties: fc.dictionary(name, inner, { maxKeys: 4 }),
      patternProperties: fc.dictionary(pattern, inner, { maxKeys: 2 }),
      additionalProperties: inner,
      propertyNames: inner,
      required: fc.uniqueArray(name, { maxLength: 2 }),
      dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }),
      dependentSchemas: fc.dictionary(name, inner, { maxKeys: 2 }),
      dependencies: fc.dictionary(name, fc.oneof(inner, fc.uniqueArray(name, { maxLength: 2 })), { maxKeys: 2 }),
      minProperties: count,
      maxProperties: count,
      allOf: list,
      anyOf: list,
      oneOf: list,
      not: inner,
      if: inner,
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: inner,
      else: inner,
      $ref: fc.constantFrom(`#/${reference}/one`, `#/${reference}/two`, '#'),
    };
    // The keywords first, then what they say: else every one of them would be made up, level by level.
    const few = fc
      .subarray(Object.keys(keywords), { minLength: 1, maxLength: 3 })
      .chain((keys) => fc.record(Object.fromEntries(keys.map((key) => [key, keywords[key] as fc.Arbitrary<unknown>]))));
    return { schema: fc.oneof({ maxDepth: 3, depthSize: 'small' }, { arbitrary: fc.boolean(), weight: 1 }, { arbitrary: few, weight: 8 }) };
  }).schema;

const drafts = [
  [{}, 'definitions'],
  [draft2019, '$defs'],
  [{ ...draft2020, prefixItems: [true] }, '$defs'],
] as const;

describe('whatever the schema and the document', () => {
  const settings = process.env['DQ_FUZZ_SEED'] === undefined ? [20_260_101, Date.now()] : [Number(process.env['DQ_FUZZ_SEED'])];
  test.each(drafts.flatMap(([draft, reference]) => settings.map((seed) => [draft, reference, seed] as const)))(
    'the native engine takes nothing that the other refuses, nor refuses what it takes (%j, %s, seed %i)',
    (draft, reference, seed) => {
      const inner = schemaOf(draft, reference);
      const counts = { valid: 0, refused: 0, unsure: 0, declined: 0 };
      fc.assert(
        fc.property(
          fc.record({ root: inner, one: inner, two: inner }),
          fc.array(anyValue, { minLength: 12, maxLength: 12 }),
          ({ root, one, two }, values) => {
            const $schema = '$schema' in draft ? { $schema: draft.$schema } : {};
            const schema = { ...$schema, allOf: [root], [reference]: { one, two } };
            let both: ReturnType<typeof bothEngines>;
            try {
              both = bothEngines(schema);
            } catch {
              // ajv does not take it either: patterns and references without an end.
              return;
            }
            if (typeof both === 'string') {
              counts.declined += 1;
              return;
            }
            for (const value of values) {
              const { native, js } = both(Buffer.from(JSON.stringify(value)));
              counts[native] += 1;
              if (native !== 'unsure')
                expect({ schema, value, js, native }).toEqual({ schema, value, js, native: js === 'valid' ? 'valid' : 'refused' });
            }
          },
        ),
        { seed, numRuns: Number(process.env['DQ_FUZZ_RUNS'] ?? 25) },
      );
      // Most schemas are taken and most answers are sure, or this test would say little.
      expect(counts.valid).toBeGreaterThan(counts.unsure);
      expect(counts.refused).toBeGreaterThan(counts.declined);
    },
  );

  test('numbers are read alike, however they are written', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?$/);
    fc.assert(
      fc.property(digits, (written) => {
        const value: unknown = JSON.parse(written);
        const both =
          Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? bothEngines({ const: value }) : 'unfit';
        if (typeof both === 'string') return;
        const { native } = both(Buffer.from(written));
        if (/^-?\d{1,15}$|[.eE]/.test(written)) expect({ written, native }).toEqual({ written, native: 'valid' });
      }),
      { numRuns: 500 },
    );
  });

  test('bytes that are hardly JSON are never taken but where they are', () => {
    const both = bothEngines(true);
    if (typeof both === 'string') throw new Error(both);
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u00',
      '1',
      '-',
      '0',
      '.5',
      'e9',
      'true',
      'nul',
      ' ',
      '\\',
      '"',
      '\ufeff',
      '\ud83d\ude00',
      '\0',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((parts) => Buffer.from(parts.join(''))),
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
        (document) => {
          const { native, js } = both(document);
          if (native === 'valid') expect(js).toBe('valid');
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
