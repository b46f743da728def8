import { fullFormats } from 'ajv-formats/dist/formats.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadJudge } from '../../native/index.ts';
import type { JudgeAddon } from '../../native/surface.ts';
import { nativeFormat } from './formats.ts';

const judge = (): JudgeAddon => {
  const loaded = loadJudge();
  if ('missing' in loaded) throw new Error(loaded.missing);
  return loaded.addon;
};
const addon = judge();
const checkFormat = (name: string, text: Uint8Array) => addon.checkFormat(name, text);
const matchPattern = (table: string, text: Uint8Array) => addon.matchPattern(table, text);

const native = (name: string, text: string): boolean => {
  const format = nativeFormat(name);
  if (!format || 'declined' in format) throw new Error(`${name} is not taken`);
  const bytes = Buffer.from(text);
  return 'counted' in format ? checkFormat(format.counted, bytes) : format.tables.every(({ table }) => matchPattern(table, bytes));
};

const ofAjv = (name: string, text: string): boolean => {
  const format = fullFormats[name as keyof typeof fullFormats];
  if (format instanceof RegExp) return format.test(text);
  const validate = typeof format === 'function' ? format : (format as { validate: unknown }).validate;
  return (validate as (value: string) => boolean)(text);
};

const disagreements = (name: string, texts: readonly string[]): string[] =>
  texts.filter((text) => native(name, text) !== ofAjv(name, text)).map((text) => JSON.stringify(text));

const whiteSpace =
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
const notWhiteSpace = '\u0085\u180e\u200b\u2060\u001f';
const dates = [
  '2024-02-29',
  '2023-02-29',
  '1900-02-29',
  '2000-02-29',
  '0000-02-29',
  '0100-02-29',
  '2024-04-31',
  '2024-12-31',
  '9999-00-01',
];
const oddDates = [
  '2024-13-01',
  '2024-01-00',
  '2024-1-1',
  '02024-01-01',
  '2024-01-01 ',
  ' 2024-01-01',
  '2024-01-01\n',
  '２０２４-01-01',
  '2024–01–01',
];
const clocks = [
  '00:00:00',
  '23:59:59',
  '23:59:60',
  '22:59:60',
  '24:00:00',
  '24:59:30',
  '24:60:00',
  '12:60:00',
  '12:00:61',
  '1:00:00',
  '12:00',
];
const fractions = ['', '.', '.0', '.123', `.${'9'.repeat(14)}`, `.${'9'.repeat(15)}`, `.${'9'.repeat(40)}`, '.5 ', ',5'];
const zones = [
  '',
  'Z',
  'z',
  '+00:00',
  '-00:00',
  '+01:00',
  '-01:00',
  '+0100',
  '+01',
  '+1',
  '+24:00',
  '+23:59',
  '-23:59',
  '+01:60',
  '+00:01',
  '-00:01',
  '+01:0',
  'UTC',
  ' Z',
];
const times = clocks.flatMap((clock) => fractions.flatMap((fraction) => zones.map((zone) => `${clock}${fraction}${zone}`)));
const threshold = '999999999999996447286321199499070644378662109375';
const edges = [threshold, `${threshold}0`, `${threshold}1`, `${threshold.slice(0, -1)}4`, threshold.slice(0, -1), threshold.slice(0, 15)];
const roundings = ['59', '60', '58'].flatMap((second) => edges.map((edge) => `23:59:${second}.${edge}Z`));

const hostile: Readonly<Record<string, readonly string[]>> = {
  date: [...dates, ...oddDates, ''],
  time: [...times, ...roundings, ''],
  'date-time': [
    ...[...Array.from(whiteSpace), ...Array.from(notWhiteSpace), 'T', 't', 'TT', '', '_', 'Ŧ'].map(
      (separator) => `2024-02-29${separator}12:00:00Z`,
    ),
    ...dates.map((date) => `${date}T12:00:00+01:00`),
    ...times.map((time) => `2024-02-29T${time}`),
    '2024-02-29T12:00:00ZT',
    '2024-02-29T12:00:00Z ',
    '2024-02-29',
    'T',
  ],
  email: [
    'a@b.c',
    'a@b',
    'A@B.CO',
    'a..b@c.de',
    '.a@b.cd',
    'a@b.c-',
    'a@-b.cd',
    'ä@b.cd',
    'a@bä.cd',
    'a b@c.de',
    '"a"@b.cd',
    'a@b.cd\n',
    'K@b.cd',
    'ſ@b.cd',
    "o'k+x@b.cd",
  ],
  uuid: [
    '123e4567-e89b-12d3-a456-426614174000',
    'URN:UUID:123E4567-E89B-12D3-A456-426614174000',
    '123e4567e89b12d3a456426614174000',
    '123e4567-e89b-12d3-a456-42661417400g',
    ' 123e4567-e89b-12d3-a456-426614174000',
    'urn:uuid:',
  ],
  uri: [
    'http://a',
    'http://a/b?c#d',
    'HTTP://A',
    'a:',
    'a:b',
    'a',
    '/a',
    '//a',
    '',
    'http://[::1]',
    'http://[::1',
    'http://[v1.x]',
    'http://[1:2:3:4:5:6:7:8]',
    'http://[::ffff:1.2.3.4]',
    'http://a b',
    'http://ä',
    'http://a/%zz',
    'http://a/%41',
    'http://a:80',
    'http://a:8x',
    'mailto:a@b.c',
    'urn:x:y',
    'http://a#b#c',
    'http://u:p@h/',
    'http://K',
    'http://a\n',
    ':a',
    '1a:b',
    'http://"a"',
    'http://a/"b"',
  ],
  ipv4: ['0.0.0.0', '255.255.255.255', '256.1.1.1', '01.1.1.1', '1.1.1', '1.1.1.1.1', '1.1.1.1 ', '１.1.1.1'],
  ipv6: [
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1::2::3',
    '12345::',
    '::ffff:1.2.3.4',
    '::1.2.3.256',
    '1:2:3:4:5:6:1.2.3.4',
    'fe80::1%eth0',
    '[::1]',
    'ABCD::',
    '::g',
  ],
  hostname: [
    'a',
    'a.b',
    'a.',
    '.',
    '',
    '-a',
    'a-',
    'a_b',
    'ä',
    'a'.repeat(63),
    'a'.repeat(64),
    `${'a'.repeat(62)}.`.repeat(4),
    `${'a.'.repeat(126)}a`,
    `${'a.'.repeat(126)}a.`,
    `${'a.'.repeat(126)}ab`,
    `${'a.'.repeat(126)}ab.`,
    'a..b',
    'K',
    'A.B',
    'a\n',
  ],
  'uri-reference': ['', '/a', 'a b', '#a', '?a', 'http://a', '//a:1', 'ä', '%41', '%4'],
};

describe('a format means what ajv-formats means by it', () => {
  test.each(Object.entries(hostile))('%s, in cases picked by hand', (name, texts) => {
    expect(disagreements(name, texts)).toEqual([]);
    // A table that takes or refuses everything would agree with too little.
    expect(new Set(texts.map((text) => ofAjv(name, text)))).toEqual(new Set([true, false]));
  });

  test.each(Object.entries(hostile))('%s, in every change of one character', (name, texts) => {
    const one = fc.constantFrom(...texts);
    const character = fc.constantFrom(
      ...Array.from('019aAzZgG:.-+%/@#?[] \n_Tt'),
      '\u0000',
      '\u017f',
      '\u212a',
      'é',
      '\u2028',
      '\u{1f600}',
      '٣',
    );
    const changed = fc.tuple(one, fc.nat(), fc.nat(2), character).map(([text, at, removed, added]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + added + text.slice(place + removed);
    });
    fc.assert(
      fc.property(changed, (text) => native(name, text) === ofAjv(name, text)),
      { numRuns: 1_000 },
    );
  });

  test('made of parts that fit', () => {
    const part = (...choices: readonly string[]) => fc.constantFrom(...choices);
    const twoDigits = fc.oneof(
      fc.nat(99).map((value) => String(value).padStart(2, '0')),
      part('00', '23', '24', '59', '60', '61'),
    );
    const zone = fc.oneof(
      part('Z', 'z', ''),
      fc.tuple(part('+', '-'), twoDigits, part(':', ''), twoDigits).map((parts) => parts.join('')),
    );
    const time = fc.tuple(twoDigits, twoDigits, twoDigits, part(...fractions), zone).map(([h, m, s, f, z]) => `${h}:${m}:${s}${f}${z}`);
    const date = fc.tuple(twoDigits, twoDigits, twoDigits, twoDigits).map(([c, y, m, d]) => `${c}${y}-${m}-${d}`);
    const dateTime = fc.tuple(date, part('T', ' ', 't'), time).map((parts) => parts.join(''));
    for (const [name, text] of Object.entries({ date, time, 'date-time': dateTime })) {
      fc.assert(
        fc.property(text, (made) => native(name, made) === ofAjv(name, made)),
        { numRuns: 3_000 },
      );
    }
  });
});

test('what ajv-formats asserts nothing about is no format; what is not certain is declined', () => {
  for (const name of ['made-up', 'int32', 'double', 'password', 'binary', 'toString', '__proto__']) expect(nativeFormat(name)).toBeNull();
  for (const name of ['regex', 'duration', 'url', 'byte', 'uri-template']) expect(nativeFormat(name)).toHaveProperty('declined');
});
