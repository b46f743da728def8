import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ErrorType } from '../model/verdict.ts';
import { defaultLimits, Flaw, type JudgeLimits, readJson } from './read-json.ts';
import { walkJson } from './walk-json.ts';

const read = (input: string | Buffer, limits: Partial<JudgeLimits> = {}): unknown => {
  const bytes = Buffer.from(input);
  // In the middle of other bytes, as in a slab: a reader that looks past its borders finds something there.
  const around = Buffer.concat([Buffer.from('{"a":"\\'), bytes, Buffer.from('\xff":[{', 'latin1')]);
  return readJson(around, 7, 7 + bytes.length, { ...defaultLimits, ...limits });
};

const flaw = (input: string | Buffer, limits: Partial<JudgeLimits> = {}): [ErrorType, string | null] => {
  const result = read(input, limits);
  if (!(result instanceof Flaw)) throw new Error(`taken as ${JSON.stringify(result)}`);
  return [result.type, result.path && result.path.join('/')];
};

describe('readJson takes', () => {
  test.each([
    ['null', null],
    ['0', 0],
    [' "x" ', 'x'],
    ['{"s":"a:b,{[}]\\"\\\\:","t":"\\\\"}', { s: 'a:b,{[}]"\\:', t: '\\' }],
    ['{"constructor":1,"prototype":2,"hasOwnProperty":3}', { constructor: 1, prototype: 2, hasOwnProperty: 3 }],
    ['{"v":"__proto__"}', { v: '__proto__' }],
    ['{"v":"\\u005f_proto__"}', { v: '__proto__' }],
    ['{"__proto":1,"__Proto__":2,"_proto__x":3}', { __proto: 1, __Proto__: 2, _proto__x: 3 }],
    ['{"a":{"x":1},"b":{"x":1}}', { a: { x: 1 }, b: { x: 1 } }],
    ['{"é":"\\u00e9","日":"😀"}', { é: 'é', 日: '😀' }],
    ['{"a":"\\u0000"}', { a: '\0' }],
    ['12345678901234567890', 12345678901234567890],
    ['[1e400]', [Number.POSITIVE_INFINITY]],
    ['"\\ud800"', '\ud800'],
  ])('%s', (text, value) => {
    expect(read(text)).toEqual(value);
  });
});

describe('readJson refuses', () => {
  test.each([
    ['', 'malformed_json'],
    [' ', 'malformed_json'],
    ['{"a":1', 'malformed_json'],
    ['{"a":1}{', 'malformed_json'],
    ['\ufeff{}', 'malformed_json'],
    ['{"a":\0}', 'malformed_json'],
    ['"a\nb"', 'malformed_json'],
    ["{'a':1}", 'malformed_json'],
    ['NaN', 'malformed_json'],
    ['"abc\\', 'malformed_json'],
  ] as const)('%j as %s', (text, type) => {
    expect(flaw(text)).toEqual([type, null]);
  });

  test('bytes that are not UTF-8, wherever they stand', () => {
    expect(flaw(Buffer.from('{"a":"\xff"}', 'latin1'))[0]).toBe('invalid_utf8');
    expect(flaw(Buffer.from('{"a\xc3":1}', 'latin1'))[0]).toBe('invalid_utf8');
    expect(flaw(Buffer.from('"\\\xc3"', 'latin1'))[0]).toBe('invalid_utf8');
    expect(flaw(Buffer.from('"\xed\xa0\x80"', 'latin1'))[0]).toBe('invalid_utf8');
    expect(flaw(Buffer.from('"\xc0\x80"', 'latin1'))[0]).toBe('invalid_utf8');
  });

  test.each([
    ['{"a":1,"a":1}', 'a'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"x":[{"k":1},{"k":1,"j":2,"k":3}]}', 'x/1/k'],
    ['{"a":{"b":1,"b":2},"c":{"d":1,"d":1}}', 'a/b'],
    ['{"":1,"":2}', ''],
    ['{"0":1,"1":2,"0":3}', '0'],
    ['{"é":1,"\\u00e9":2}', 'é'],
    ['{"😀":1,"\\ud83d\\ude00":2}', '😀'],
    ['{"a\\/b":1,"a/b":2}', 'a/b'],
  ])('the repeated name in %s', (text, path) => {
    expect(flaw(text)).toEqual(['duplicate_key', path]);
  });

  test.each([
    ['{"__proto__":1}', '__proto__'],
    ['{"a":[[{"__proto__":{}}]]}', 'a/0/0/__proto__'],
    ['{"\\u005f\\u005fproto\\u005f\\u005f":1}', '__proto__'],
    ['{"__prot\\u006f__":1}', '__proto__'],
    ['{"a":1,"a":2,"__proto__":3}', '__proto__'],
    ['{"a":{"__proto__":1},"a":2}', 'a/__proto__'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ])('the forbidden name in %s', (text, path) => {
    expect(flaw(text)).toEqual(['forbidden_key', path]);
  });

  test('what is one past a limit, and takes what is at it', () => {
    expect(read('[[1]]', { depth: 2 })).toEqual([[1]]);
    expect(flaw('[[[1]]]', { depth: 2 })[0]).toBe('too_deep');
    expect(flaw('{"a":{"b":{}}}', { depth: 2 })[0]).toBe('too_deep');
    expect(read('["[[[[[["]', { depth: 1 })).toEqual(['[[[[[[']);
    expect(read('{"a":1,"b":2}', { keys: 2 })).toEqual({ a: 1, b: 2 });
    expect(flaw('{"a":1,"b":{"c":1}}', { keys: 2 })[0]).toBe('too_large');
    expect(read('1234', { valueBytes: 4 })).toBe(1234);
    expect(flaw('12345', { valueBytes: 4 })[0]).toBe('too_large');
  });

  test('nesting that ends nowhere as too deep rather than as broken', () => {
    expect(flaw('['.repeat(100_000))[0]).toBe('too_deep');
    expect(flaw('{"a":'.repeat(100_000))[0]).toBe('too_deep');
  });

  test('nesting within the limit but beyond the stack', () => {
    expect(flaw('['.repeat(200_000) + ']'.repeat(200_000), { depth: 1_000_000 })[0]).toBe('too_deep');
    expect(flaw(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`, { depth: 1_000_000, keys: 1_000_000 })[0]).toBe('too_deep');
  });

  test('broken JSON with the place in bytes and without a word of the text', () => {
    const result = read('{"geheim":"é",secret}') as Flaw;
    expect(result.message).toBe('expected JSON, but it breaks at byte 15');
    expect((read('{"geheim":') as Flaw).message).toBe('expected JSON, but it ends too early');
  });
});

/** JSON texts whose objects repeat names now and then, spelled with and without escapes. */
const name = fc.constantFrom(
  '"a"',
  '"b"',
  '"\\u0061"',
  '"__proto__"',
  '"__\\u0070roto__"',
  '"c:d"',
  '"e\\"{"',
  '"\\\\"',
  '"é"',
  '""',
  '"_234567__"',
);
const { value: anyJson } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('1', '"x"', '"a:{}[],\\""', 'null', 'true', '-0.5e3', '"\\u005f"', '"__proto__"'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    fc
      .array(fc.tuple(name, tie('value')), { maxLength: 4 })
      .map((members) => `{${members.map(([key, value]) => `${key} : ${value}`).join(',')}}`),
  ),
}));

test('the quick scan and the exact walk agree on repeated and forbidden names', () => {
  fc.assert(
    fc.property(anyJson, (text) => {
      let repeated = false;
      let forbidden = false;
      walkJson(text, {
        member: (path, again) => {
          repeated ||= again;
          forbidden ||= path.at(-1) === '__proto__';
          return false;
        },
      });
      const result = read(text);
      const expected = forbidden ? 'forbidden_key' : repeated ? 'duplicate_key' : null;
      expect(result instanceof Flaw ? result.type : null).toBe(expected);
      if (expected === null) expect(result).toEqual(JSON.parse(text));
    }),
    { numRuns: 5_000 },
  );
});
