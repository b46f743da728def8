import { describe, expect, test } from 'vitest';
import { type BothAnswers, bothEngines } from '../testing/native-answers.ts';

const draft2019 = { $schema: 'https://json-schema.org/draft/2019-09/schema' };
const draft2020 = { $schema: 'https://json-schema.org/draft/2020-12/schema' };

function answers(schema: object | boolean, document: string | Buffer): BothAnswers {
  const both = bothEngines(schema);
  if (typeof both === 'string') throw new Error(both);
  return both(Buffer.from(document));
}

/** Schema, documents that both engines take, documents that both refuse. */
type Row = readonly [schema: object | boolean, valid: readonly string[], invalid: readonly string[]];

const rows: readonly Row[] = [
  [true, ['1', '{}', '[[]]'], []],
  [false, [], ['1', '{}']],
  [{ type: 'integer' }, ['1', '1.0', '-0', '1e3', '1e300', '-9007199254740992'], ['1.5', '"1"', 'null']],
  [{ type: 'number' }, ['1', '-0.0', '1e-400', '5e-324', '1.7976931348623157e308'], ['"1"', 'true']],
  [{ type: ['string', 'null'] }, ['"a"', 'null'], ['0', 'false', '[]', '{}']],
  [{ type: ['boolean', 'array', 'object'] }, ['true', 'false', '[]', '{}'], ['null', '""']],
  [
    { enum: ['a', 1, null, { a: [1] }] },
    ['"a"', '1.0', 'null', '{"a":[1]}', '{"a":[1.0]}'],
    ['"b"', '"1"', '{"a":[2]}', '{"a":[1],"b":1}', '{}'],
  ],
  [
    { enum: ['a', 'bb', 'ccc', 'dddddddd', 'eeeeeeeee', 'fffffffffffffffffffff'] },
    ['"a"', '"fffffffffffffffffffff"'],
    ['"ffffffff"', '""'],
  ],
  [{ const: 0 }, ['0', '-0', '0.0', '-0.0', '0e5'], ['1', '"0"', 'false', 'null']],
  [{ const: { a: 1, b: 2 } }, ['{"b":2,"a":1}'], ['{"a":1}', '{"a":1,"b":2,"c":3}', '[]']],
  [{ const: [] }, ['[]'], ['{}', '[0]']],
  [{ minimum: 1, exclusiveMaximum: 3 }, ['1', '2.9999', '"x"'], ['0.9', '3', '-1e300']],
  [{ exclusiveMinimum: 0, maximum: 0.1 }, ['5e-324', '0.1', 'null'], ['0', '-0.0', '0.10000000000000002']],
  [{ multipleOf: 0.01 }, ['0', '19', '-0.5', '"x"'], ['0.001', '19.999', '0.07', '4.35']],
  [{ multipleOf: 3 }, ['9', '-9', '9.0'], ['10', '0.3']],
  [{ minLength: 2, maxLength: 3 }, ['"ab"', '"😀😀😀"', '"\\u00e9\\u00e9"', '"\\ud83d\\ude00x"', '5'], ['"😀"', '"abcd"', '""']],
  [{ pattern: '^a+$' }, ['"aaa"', '1'], ['"b"', '"aab"', '""']],
  [{ pattern: 'é|😀' }, ['"xéy"', '"\\ud83d\\ude00"'], ['"e"']],
  [{ items: { type: 'integer' } }, ['[]', '[1,2]', '{}'], ['["a"]', '[1,1.5]']],
  [{ items: [{ type: 'integer' }, true], additionalItems: { type: 'string' } }, ['[]', '[1]', '[1,2,"a"]'], ['["a"]', '[1,2,3]']],
  [{ items: { type: 'integer' }, additionalItems: false }, ['[1,2,3]'], ['["a"]']],
  [{ ...draft2020, prefixItems: [{ type: 'integer' }], items: false }, ['[]', '[1]'], ['[1,2]', '["a"]']],
  [{ ...draft2019, items: [{ type: 'integer' }], additionalItems: false }, ['[1]'], ['[1,2]']],
  [{ contains: { const: 1 } }, ['[0,1]', '{}'], ['[]', '[0]']],
  [{ contains: { const: 1 }, minContains: 2 }, ['[1]'], ['[]']],
  [{ ...draft2019, contains: { const: 1 }, minContains: 2, maxContains: 3 }, ['[1,0,1]', '[1,1,1]'], ['[1]', '[1,1,1,1]', '[]']],
  [{ ...draft2020, contains: { const: 1 }, minContains: 0 }, ['[]', '[0]'], []],
  [{ ...draft2020, contains: { const: 1 }, minContains: 0, maxContains: 1 }, ['[]', '[1]'], ['[1,1]']],
  [{ ...draft2020, contains: { const: 1 }, minContains: 3, maxContains: 1 }, ['1'], ['[1]', '[1,1,1]']],
  [{ ...draft2020, contains: true }, ['[0]'], ['[]']],
  [{ minItems: 1, maxItems: 2 }, ['[1]', '[1,2]', '"x"'], ['[]', '[1,2,3]']],
  [
    { uniqueItems: true },
    ['[1,"1",true,null,[1],{"a":1}]', '[]', '[{"a":1},{"a":2}]'],
    ['[1,1.0]', '[0,-0]', '[{"a":1,"b":2},{"b":2,"a":1}]', '["a","a"]'],
  ],
  [{ items: { type: 'string' }, uniqueItems: true }, ['["a","b"]'], ['["a","a"]']],
  [
    { properties: { a: { type: 'integer' }, b: true }, required: ['a', 'c'], additionalProperties: { type: 'string' } },
    ['{"a":1,"c":"x"}', '{"c":"x","b":[],"a":1.0}', '[]'],
    ['{"a":1}', '{"a":"1","c":"x"}', '{"a":1,"c":1}', '{}', '{"a":1,"c":"x","d":4}'],
  ],
  [{ required: ['toString', 'constructor'] }, ['{"toString":1,"constructor":2}'], ['{}', '{"toString":1}']],
  [{ properties: { '': { type: 'null' }, 'a/b': { type: 'null' } } }, ['{"":null}'], ['{"":1}', '{"a/b":0}', '{"a\\/b":0}']],
  [{ additionalProperties: false, properties: { a: true, constructor: true } }, ['{"a":1,"constructor":1}', '{}'], ['{"b":1}', '{"aa":1}']],
  [
    { patternProperties: { '^a': { type: 'integer' }, b$: { minimum: 5 } }, additionalProperties: false },
    ['{"ax":1,"xb":7,"ab":5}', '{}'],
    ['{"ab":1}', '{"c":1}', '{"ax":"x"}'],
  ],
  [{ properties: { ab: { maximum: 9 } }, patternProperties: { b: { minimum: 1 } } }, ['{"ab":5}'], ['{"ab":0}', '{"ab":10}']],
  [{ propertyNames: { maxLength: 2, pattern: '^[a-z]*$' } }, ['{"ab":{"long":1}}', '{}'], ['{"abc":1}', '{"A":1}']],
  [{ propertyNames: { enum: ['a', 'b'] } }, ['{"a":1}'], ['{"c":1}']],
  [{ propertyNames: false }, ['{}', '1'], ['{"a":1}']],
  [{ minProperties: 1, maxProperties: 2 }, ['{"a":1}', '[]'], ['{}', '{"a":1,"b":2,"c":3}']],
  [{ dependencies: { a: ['b'], c: { required: ['d'] }, e: [] } }, ['{}', '{"a":1,"b":1}', '{"e":1}', '[]'], ['{"a":1}', '{"c":1}']],
  [
    { ...draft2020, dependentRequired: { a: ['b'] }, dependentSchemas: { c: { maxProperties: 1 } } },
    ['{"b":1}', '{"c":1}'],
    ['{"a":1}', '{"c":1,"d":1}'],
  ],
  [{ ...draft2019, dependencies: { a: ['b'] } }, ['{"b":1}'], ['{"a":1}']],
  [{ dependentRequired: { a: ['b'] }, unevaluatedProperties: false, prefixItems: [false] }, ['{"a":1}', '[1]'], []],
  [{ allOf: [{ minimum: 1 }, { maximum: 3 }] }, ['2'], ['0', '4']],
  [{ anyOf: [{ type: 'string' }, { minimum: 3 }] }, ['"a"', '4', 'null'], ['2']],
  [{ oneOf: [{ type: 'integer' }, { minimum: 3 }] }, ['1', '3.5', '"a"'], ['4', '2.5']],
  [{ not: { type: 'object', required: ['a'] } }, ['{}', '1'], ['{"a":1}']],
  [{ if: { type: 'integer' }, then: { minimum: 5 }, else: { type: 'string' } }, ['5', '"a"'], ['4', '5.5']],
  [{ then: false, else: false }, ['1'], []],
  [
    { definitions: { tree: { properties: { left: { $ref: '#/definitions/tree' }, n: { type: 'integer' } } } }, $ref: '#/definitions/tree' },
    ['{"left":{"left":{"n":1}}}'],
    ['{"left":{"left":{"n":"x"}}}'],
  ],
  [{ properties: { a: { $ref: '#' } }, additionalProperties: false }, ['{"a":{"a":{}}}'], ['{"a":{"b":1}}']],
  [{ $ref: '#/definitions/a~1b', definitions: { 'a/b': { maxLength: 2 } }, minLength: 5 }, ['"a"'], ['"abc"']],
  [{ ...draft2020, $ref: '#/$defs/a', $defs: { a: { maxLength: 9 } }, minLength: 5 }, ['"abcdef"'], ['"a"']],
  [{ $id: 'https://example.com/x.json', items: { $ref: '#/definitions/a' }, definitions: { a: { type: 'null' } } }, ['[null]'], ['[1]']],
  [
    { format: 'date-time' },
    ['"2026-01-31T23:59:59.123+01:00"', '"2026-01-01t00:00:00z"', '"1998-12-31T23:59:60Z"', '5'],
    ['"2026-02-30T00:00:00Z"', '"x"', '""'],
  ],
  [{ format: 'date' }, ['"2024-02-29"'], ['"2023-02-29"', '"2023-2-1"']],
  [{ format: 'time' }, ['"12:00:00Z"'], ['"24:00:00Z"', '"12:00:00"']],
  [{ format: 'email' }, ['"a@b.co"', '"A+b@EXAMPLE.com"'], ['"a"', '"a@b"', '"ä@b.co"']],
  [{ format: 'uuid' }, ['"123e4567-e89b-12d3-a456-426614174000"', '"urn:uuid:123E4567-e89b-12d3-a456-426614174000"'], ['"123"']],
  [{ format: 'uri' }, ['"https://example.com/a?b#c"', '"urn:x:y"'], ['"example"', '"http://[::1"']],
  [{ format: 'ipv4' }, ['"1.2.3.4"'], ['"1.2.3"', '"256.1.1.1"', '"01.2.3.4"']],
  [{ format: 'ipv6' }, ['"::1"', '"1:2:3:4:5:6:7:8"', '"::ffff:1.2.3.4"'], ['":::"', '"1"']],
  [{ format: 'hostname' }, ['"example.com"', '"a"'], ['"-a.com"', '""', '"a_b"']],
  [{ format: 'int32' }, ['5', '-2147483648', '"x"'], ['2147483648', '1.5']],
  [{ format: 'colour' }, ['"x"'], []],
];

describe('both engines say the same', () => {
  test.each(rows)('of %j', (schema, valid, invalid) => {
    for (const document of valid) expect({ document, ...answers(schema, document) }).toEqual({ document, native: 'valid', js: 'valid' });
    for (const document of invalid) {
      expect({ document, ...answers(schema, document) }).toEqual({ document, native: 'refused', js: 'schema_violation' });
    }
  });
});

describe('the native engine is never sure of', () => {
  test.each<[string, string | Buffer]>([
    ['a name twice', '{"a":1,"b":2,"a":3}'],
    ['a declared name twice', '{"known":1,"known":1}'],
    ['a name twice, once escaped', '{"ab":1,"\\u0061b":2}'],
    ['a name twice far down', '[{"x":[[{"y":1,"y":1}]]}]'],
    ['a name twice among many', `{${Array.from({ length: 50 }, (_, n) => `"${n}":0`).join()},"7":0}`],
    ['a forbidden name', '{"__proto__":1}'],
    ['a forbidden name that is escaped', '{"x":{"__pr\\u006fto__":{}}}'],
    ['an integer beyond 2^53', '9007199254740993'],
    ['a far integer', '[18446744073709551615]'],
    ['a very far integer', '123456789012345678901234567890'],
    ['a number beyond doubles', '1e400'],
    ['a byte order mark', Buffer.from([0xef, 0xbb, 0xbf, 0x31])],
    ['broken UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0x80, 0x22])],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['half of a surrogate pair', '"\\ud800"'],
    ['the other half', '"\\udc00x"'],
    ['nothing', ''],
    ['blank', ' \n'],
    ['two documents', '1 2'],
    ['an open string', '"abc'],
    ['a raw control character', '"a\nb"'],
    ['a comma too many', '[1,]'],
    ['a leading zero', '01'],
    ['a plus', '+1'],
    ['a dot without digits', '1.'],
    ['a NUL after the value', Buffer.from('1\0')],
    ['too deep nesting', '['.repeat(129) + ']'.repeat(129)],
    ['far too deep nesting', '['.repeat(100_000)],
    ['too many members', JSON.stringify(Object.fromEntries(Array.from({ length: 100_001 }, (_, n) => [n, 0])))],
  ])('%s', (_, document) => {
    expect(answers({ properties: { known: true } }, document).native).toBe('unsure');
  });

  test('members that ajv takes for methods when it compares objects', () => {
    for (const name of ['valueOf', 'toString', 'constructor']) {
      expect(answers({ uniqueItems: true }, `[{"${name}":1},{"${name}":1}]`).native).toBe('unsure');
      expect(answers({ not: { const: { a: 1 } } }, `{"${name}":1}`).native).toBe('unsure');
    }
  });

  test('work without end', () => {
    const many = `[${Array.from({ length: 20_000 }, (_, n) => n).join()}]`;
    expect(answers({ uniqueItems: true }, many)).toEqual({ native: 'unsure', js: 'valid' });
    const both = { allOf: [{ $ref: '#/definitions/a' }, { $ref: '#/definitions/a' }] };
    const levels = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [`l${n}`, { allOf: [1, 2].map(() => ({ $ref: `#/definitions/l${n + 1}` })) }]),
    );
    expect(bothEngines({ ...both, definitions: { a: { $ref: '#/definitions/l0' }, ...levels, l40: {} } })).toBeTypeOf('function');
  });

  test('the limits that are set', () => {
    const limits = { valueBytes: 20, depth: 2, keys: 2, headerBytes: 100 };
    const both = bothEngines(true, limits);
    if (typeof both === 'string') throw new Error(both);
    for (const document of ['[[1]]', '{"a":{"b":1}}', '12345678901'])
      expect(both(Buffer.from(document))).toEqual({ native: 'valid', js: 'valid' });
    for (const document of ['[[[1]]]', '{"a":1,"b":1,"c":1}', `"${'x'.repeat(19)}"`]) {
      expect(both(Buffer.from(document)).native).toBe('unsure');
    }
  });
});

test('deep and wide documents within the limits are fine', () => {
  expect(answers(true, '['.repeat(128) + ']'.repeat(128))).toEqual({ native: 'valid', js: 'valid' });
  const tree = { properties: { a: { $ref: '#' } } };
  expect(answers(tree, `${'{"a":'.repeat(120)}1${'}'.repeat(120)}`)).toEqual({ native: 'valid', js: 'valid' });
  const wide = Object.fromEntries(Array.from({ length: 99_999 }, (_, n) => [`name ${n}`, n]));
  expect(answers({ additionalProperties: { type: 'integer' } }, JSON.stringify(wide))).toEqual({ native: 'valid', js: 'valid' });
});

describe('the native engine declines', () => {
  test.each<[object, string]>([
    [{ ...draft2020, unevaluatedProperties: false }, 'unevaluatedProperties'],
    [{ ...draft2020, $dynamicRef: '#' }, '$dynamicRef'],
    [{ format: 'regex' }, 'format'],
    [{ pattern: '(a)\\1' }, 'pattern'],
    [{ definitions: { a: { $id: 'https://example.com/a' } } }, '$id'],
    [
      { definitions: { a: { allOf: [{ $ref: '#/definitions/a' }] } }, properties: { x: { $ref: '#/definitions/a' } } },
      'refers to itself without end',
    ],
    [{ properties: { a: { $ref: '#/definitions/a', type: 'string' } }, definitions: { a: true } }, 'beside "type"'],
    [{ const: 2 ** 60 }, '2^53'],
    [{ properties: JSON.parse('{"__proto__":{}}') }, '__proto__'],
    [{ properties: Object.fromEntries(Array.from({ length: 1_025 }, (_, n) => [n, true])) }, '1024'],
  ])('%j', (schema, reason) => {
    expect(bothEngines(schema)).toEqual(expect.stringContaining(reason));
  });
});
