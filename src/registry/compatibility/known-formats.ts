import { fullFormats } from 'ajv-formats/dist/formats.js';

interface FormatLanguage {
  readonly source: string;
  readonly flags: string;
  /** Is the format just this expression, or does it refuse more? */
  readonly exact: boolean;
}

/** Expressions that hold every text of a format which the validator checks by a function. */
const zone = '(?:[zZ]|[+-]\\d\\d(?::?\\d\\d)?)';
const clock = '\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?';
const wider: Readonly<Record<string, string>> = {
  date: '^\\d{4}-\\d\\d-\\d\\d$',
  time: `^${clock}${zone}$`,
  'date-time': `^\\d{4}-\\d\\d-\\d\\d[tT\\s]${clock}${zone}$`,
  'iso-time': `^${clock}${zone}?$`,
  'iso-date-time': `^\\d{4}-\\d\\d-\\d\\d[tT\\s]${clock}${zone}?$`,
};

/** Formats whose every text has the other format too. */
const within: Readonly<Record<string, string>> = { time: 'iso-time', 'date-time': 'iso-date-time', uri: 'uri-reference' };

export function isWithin(name: string, other: string): boolean {
  return within[name] === other;
}

/** For each format some texts of it, unlike each other, so that a witness is found where no expression leads to one. */
const samples: Readonly<Record<string, readonly string[]>> = {
  date: ['2024-02-29', '1999-12-31'],
  time: ['12:00:00Z', '23:59:60Z', '08:30:06.283185+02:00'],
  'date-time': ['2024-01-31T12:00:00Z', '1998-12-31T23:59:60.123+01:00'],
  'iso-time': ['12:00:00', '12:00:00Z'],
  'iso-date-time': ['2024-01-31T12:00:00', '2024-01-31 12:00:00Z'],
  duration: ['P1D', 'PT36H', 'P2W'],
  uri: ['https://example.com/a?b=c#d', 'urn:a:b', 'mailto:a@b.example'],
  'uri-reference': ['/a', '#b', 'https://example.com/'],
  'uri-template': ['https://example.com/{id}', '/a'],
  url: ['https://example.com/', 'http://foo.example/a'],
  email: ['a@b.example', 'first.last@mail.example.org'],
  hostname: ['example.com', 'localhost'],
  ipv4: ['127.0.0.1', '255.255.255.255'],
  ipv6: ['::1', '2001:db8::8a2e:370:7334'],
  regex: ['^a$', '[0-9]+'],
  uuid: ['123e4567-e89b-12d3-a456-426614174000', 'urn:uuid:123e4567-e89b-12d3-a456-426614174000'],
  'json-pointer': ['', '/a/b'],
  'json-pointer-uri-fragment': ['#/a', '#'],
  'relative-json-pointer': ['0', '1/a'],
  byte: ['aGk=', 'aGVsbG8='],
};

type Definition = { readonly type?: string; readonly validate?: unknown } | RegExp | boolean | ((text: string) => boolean);

const definitions = fullFormats as unknown as Readonly<Record<string, Definition>>;

/** Does the validator assert the format of texts? What it does not know is an annotation, as are formats of numbers that hold for all. */
export function isTextFormat(name: string): boolean {
  const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  if (definition === undefined || definition === true) return false;
  return typeof definition !== 'object' || definition instanceof RegExp || definition.type !== 'number';
}

export function formatLanguage(name: string): FormatLanguage | null {
  const definition = definitions[name];
  if (definition instanceof RegExp) return { source: definition.source, flags: definition.flags, exact: true };
  const source = wider[name];
  return source === undefined ? null : { source, flags: 'u', exact: false };
}

export function formatSamples(name: string): readonly string[] {
  return samples[name] ?? [];
}

/** Does the text have the format, by the validator's own check? */
export function hasFormat(name: string, value: string): boolean {
  const definition = definitions[name];
  const check = typeof definition === 'object' && !(definition instanceof RegExp) ? definition.validate : definition;
  if (check instanceof RegExp) return check.test(value);
  return typeof check === 'function' ? (check as (text: string) => boolean)(value) : true;
}
