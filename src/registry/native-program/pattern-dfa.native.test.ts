import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadJudge } from '../../native/index.ts';
import type { JudgeAddon } from '../../native/surface.ts';
import { compilePattern, type PatternFlags } from './pattern-dfa.ts';

const judge = (): JudgeAddon => {
  const loaded = loadJudge();
  if ('missing' in loaded) throw new Error(loaded.missing);
  return loaded.addon;
};
const addon = judge();
const matchPattern = (table: string, text: Uint8Array) => addon.matchPattern(table, text);

const tableOf = (source: string, flags: PatternFlags): string => {
  const compiled = compilePattern(source, flags);
  if ('declined' in compiled) throw new Error(`/${source}/${flags} is declined: ${compiled.declined}`);
  return compiled.table;
};

/** Texts on which the two engines disagree about a pattern. */
const disagreements = (source: string, flags: PatternFlags, texts: readonly string[]): string[] => {
  const table = tableOf(source, flags);
  const expression = new RegExp(source, flags);
  return texts.filter((text) => matchPattern(table, Buffer.from(text)) !== expression.test(text)).map((text) => JSON.stringify(text));
};

const hostile = [
  '',
  ' ',
  '\n',
  'a\n',
  '\na',
  '\r\n',
  '\u2028',
  'a\u2028b',
  '\u2029',
  '\u0085',
  '\u00a0',
  '\ufeff',
  '\u180e',
  '\u200b',
  '\u3000',
  '\0',
  'a\0b',
  'a',
  'ab',
  'abc',
  'aaa',
  'aaaaaaaaaaaa!',
  'A',
  'k',
  'K',
  '\u212a',
  's',
  'S',
  '\u017f',
  'ß',
  'ẞ',
  'İ',
  'ı',
  'i',
  'I',
  'Σ',
  'σ',
  'ς',
  'é',
  'e\u0301',
  'É',
  'ÿ',
  'Ÿ',
  'µ',
  'Μ',
  'μ',
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{1f600}',
  '\u{1f600}\u{1f600}',
  'x\u{1f600}y',
  '\u{10ffff}',
  '\u{10400}',
  '\u{10428}',
  '٣',
  '123',
  '0',
  'foo',
  'a foo b',
  'foobar',
  'foo_',
  'éfooé',
  'foo\u{1f600}',
  '-',
  '--',
  '_',
  'a-b',
  'a.b',
  'a+b',
  'USER000123',
  'USER0001234',
  'xUSER000123',
  'USER000123\n',
  'ABC-1234',
  'abc-1234',
  '[x]',
  '{}',
  'a{2}',
  '\\',
  '/',
  '^',
  '$',
  'Passw0rd',
  'password',
  'PASSWORD1',
  'Pässw0rd',
  'me@example.org',
  '\t',
  '\v',
  '\f',
  'ﷺ',
  'Ａ',
  'ａ',
  'ǅ',
  'Ǆ',
  'ǆ',
];

const plain = [
  '',
  '^',
  '$',
  '^$',
  '$^',
  '^^$$',
  'a',
  '^a',
  'a$',
  '^a$',
  'a|b',
  '^a|b$',
  '(^a|b$)c?',
  'a*',
  '^a*$',
  '^(a|a)*$',
  '^(a*)*$',
  '^(?:a?){3}$',
  '^(?:a|ab)(?:c|bcd)?$',
  'a+?b',
  '^a{2}$',
  '^a{2,}$',
  '^a{0}$',
  '^a{1,2}?$',
  '.',
  '^.$',
  '^..$',
  '^.*$',
  '^.{2,3}$',
  '[^]',
  '^[^]$',
  '[]',
  '^[]*$',
  '\\d',
  '^\\d+$',
  '\\D',
  '^\\D$',
  '\\w',
  '^\\w+$',
  '\\W',
  '^\\W$',
  '\\s',
  '^\\s$',
  '\\S',
  '^\\S+$',
  '[\\d-]',
  '^[\\s\\S]$',
  '[^\\d\\s]',
  '[a-z]',
  '^[^a-z]+$',
  '^[é-ÿ]$',
  '[\\u0000-\\u001f]',
  '^[\\ue000-\\uffff]$',
  'foo',
  '\\bfoo\\b',
  '\\b',
  'a\\b',
  '\\bé',
  '^(?:\\b|x)*a',
  '^USER[0-9]{6}$',
  '^[A-Z]{3}-\\d{4}$',
  '^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$',
  '(?<name>a)b',
  '^(?=.*[A-Z])(?=.*\\d).{8,64}$',
  '^(?!.*foo).*$',
  '^(?=a|b)(?!ab$)[a-c]+$',
  '^(?=.{1,3}$)[a-z]+$',
  '^(?=\\d)',
  '^(?!)',
  '^(?=)$',
  '\\x41',
  '\\u0041',
  '\\cA',
  '\\t|\\v|\\f|\\r|\\0',
  '\\/',
  '\\^\\$\\\\',
];
const unicode = [
  '\\u{1f600}',
  '^\\ud83d\\ude00$',
  '\\ud83d',
  '^[\\ud800-\\udfff]$',
  '[\\u{10000}-\\u{10ffff}]',
  '^[^\\u{1f600}]$',
  '^[\\ud7ff-\\ue000]$',
  '^[\\ud000-\\udfff]$',
  '^[\\udc00-\\uffff]$',
  '😀+',
  '^[😀-😂]$',
  '\\p{L}',
  '^\\p{Lu}$',
  '^\\P{Lu}$',
  '\\p{Script=Greek}',
  '^\\p{Script=Latin}+$',
  '[\\p{Nd}_]',
  '[^\\p{L}\\p{N}]',
  '\\p{ASCII}',
  '^\\p{Any}$',
  '\\p{Emoji}',
  "^[\\p{L}\\p{M}' -]{1,2}$",
  '^[\\w-]+$',
];
const unescaped = ['a{', '{', '^a{,2}$', ']', '\\a', '\\-', '[\\c]', '\\1(?:a)', '^\\8$', '\\u{2}', '\\p{L}', '[\\d-x]', '\\_'];

describe('a table answers as JavaScript does', () => {
  test.each([...plain, ...unicode])('/%s/u', (source) => expect(disagreements(source, 'u', hostile)).toEqual([]));

  test.each([...plain, ...unescaped])('without the flag "u", or not at all: /%s/', (source) => {
    for (const flags of ['', 'i', 'iu'] as const) {
      const compiled = compilePattern(source, flags);
      if ('table' in compiled) expect(disagreements(source, flags, hostile)).toEqual([]);
    }
  });

  test.each(['[a-z]', '^[^a-z]$', 'ſ', 'k', '[\\u0131]', 'Σ', '^\\w$', '^\\W$', 'ß', 'µ', '[\\p{Lu}]', '\\u{10400}', '^[^k]$'])(
    'letter case folds as there: /%s/iu',
    (source) => expect(disagreements(source, 'iu', hostile)).toEqual([]),
  );

  test.each(['[a-z]', 'ſ', 'k', 'Σ', 'ß', 'µ', '^[à-ÿ]+$', 'ǅ', '\\w', '[s-t]'])('letter case folds as there: /%s/i', (source) =>
    expect(disagreements(source, 'i', hostile)).toEqual([]),
  );

  test('every code point, on its own, in and out of classes', () => {
    const texts = Array.from({ length: 0x110000 }, (_, codePoint) => codePoint)
      .filter((codePoint) => (codePoint < 0xd800 || codePoint > 0xdfff) && (codePoint < 0x3100 || codePoint % 97 === 0))
      .map((codePoint) => String.fromCodePoint(codePoint));
    for (const source of ['^.$', '^\\s$', '^\\w$', '^\\p{L}$', '^[^\\p{Nd}é-€]$', '^[\\u0800-\\u{10400}]$']) {
      expect(disagreements(source, 'u', texts)).toEqual([]);
    }
  }, 60_000);
});

describe('declined are', () => {
  test.each([
    ['(?<=a)b', 'u', 'around'],
    ['a(?=b)', 'u', 'around'],
    ['a(?!b)', 'u', 'around'],
    ['(?=a)b', 'u', 'around'],
    ['^(?=a)b|c', 'u', 'around'],
    ['(a)\\1', 'u', 'back'],
    ['\\bk', 'iu', 'words'],
    ['\\Bk', 'u', 'edge'],
    ['.', '', 'half'],
    ['[^a]', 'i', 'half'],
    ['😀', '', 'half'],
    ['(', 'u', ''],
    ['(?:a{0,1000}){0,1000}', 'u', 'many states'],
    ['a.{30}$', 'u', 'states'],
    ['('.repeat(5_000) + ')'.repeat(5_000), 'u', 'deep'],
  ] as const)('/%s/%s', (source, flags, why) => {
    expect(compilePattern(source, flags)).toEqual({ declined: expect.stringContaining(why) });
  });
});

describe('made-up patterns', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    'é',
    '😀',
    '.',
    '\\d',
    '\\w',
    '\\W',
    '\\s',
    '\\S',
    '[ab]',
    '[^a]',
    '[^é😀]',
    '^',
    '$',
    '\\b',
    '()',
  );
  const { pattern: source } = fc.letrec<{ pattern: string; branch: string; piece: string }>((tie) => ({
    pattern: fc.array(tie('branch'), { minLength: 1, maxLength: 2 }).map((branches) => branches.join('|')),
    branch: fc.array(tie('piece'), { maxLength: 3 }).map((pieces) => pieces.join('')),
    piece: fc.oneof(
      { maxDepth: 2 },
      atom,
      fc
        .tuple(tie('pattern'), fc.constantFrom('', '*', '+', '?', '{2}', '{0,2}', '{1,}', '*?'))
        .map(([inner, quantifier]) => `(?:${inner})${quantifier}`),
    ),
  }));
  const text = fc
    .array(fc.constantFrom('a', 'b', 'é', '😀', '\n', '0', ' ', '-', '\u2028'), { maxLength: 6 })
    .map((parts) => parts.join(''));

  test('answer as JavaScript does', () => {
    let compiled = 0;
    fc.assert(
      fc.property(source, fc.array(text, { minLength: 12, maxLength: 12 }), (made, texts) => {
        const pattern = compilePattern(made, 'u');
        if ('declined' in pattern) return;
        compiled++;
        const expression = new RegExp(made, 'u');
        for (const one of texts) expect(matchPattern(pattern.table, Buffer.from(one))).toBe(expression.test(one));
      }),
      { numRuns: 300 },
    );
    expect(compiled).toBeGreaterThan(250);
  });
});

describe('a table is refused', () => {
  const good = Buffer.from(tableOf('^(?=[a-z])\\w+$', 'u'), 'base64');

  test.each([
    ['empty', Buffer.alloc(0)],
    ['cut short', good.subarray(0, -1)],
    ['too long', Buffer.concat([good, Buffer.alloc(1)])],
    ['of no automaton', Buffer.alloc(4)],
  ])('that is %s', (_what, table) => {
    expect(() => matchPattern(table.toString('base64'), Buffer.from('a'))).toThrow('not the table');
  });

  test('or answers something within its bounds, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.uint8Array({ maxLength: 40 }), (at, byte, bytes) => {
        const table = Buffer.from(good);
        table[at] = byte;
        try {
          expect(matchPattern(table.toString('base64'), bytes)).toBeTypeOf('boolean');
        } catch (error) {
          expect(String(error)).toContain('not the table');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
