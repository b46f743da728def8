import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';
import { type AccessToken, type Role, roles } from '../model/access.ts';

/*
 * The kinds of value that a setting may have. Each takes its own text form too, for that is what environment variables, flags and
 * quoted YAML give. The error of a kind is the phrase that follows "must be": what was expected, never what was found.
 */

type Plain = string | number | boolean;

/** Text with at least one character. */
export function text(expected: string, matches: (value: string) => boolean = () => true) {
  return z.string({ error: expected }).refine((value) => value.trim() !== '' && matches(value), { error: expected });
}

/** A whole number of `least` to `most`. */
export function whole(least: number, most: number) {
  const error = `a whole number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d+$/.test(value.trim()) ? Number(value) : value),
    z.int({ error }).min(least, { error }).max(most, { error }),
  );
}

/** A share of 0 to 1, or as a percentage: `20%`. */
export function share() {
  const error = 'a share from 0 to 1, or a percentage such as 20%';
  return z.preprocess(shareOf, z.number({ error }).gt(0, { error }).max(1, { error }));
}

function shareOf(value: unknown): unknown {
  const [, number, percent] = typeof value === 'string' ? (/^(\d+(?:\.\d+)?)\s*(%?)$/.exec(value.trim()) ?? []) : [];
  return number === undefined ? value : Number(number) / (percent === '%' ? 100 : 1);
}

const sizePattern = /^(\d+(?:\.\d+)?)\s*([kmgt]i?b|b)?$/i;
const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** A number of bytes, or a size such as `10MiB`, `64 KiB` or `1.5GB`. */
export function size(least: number, most: number) {
  const error = `a number of bytes or a size such as 64KiB or 10MiB, from ${sizeText(least)} to ${sizeText(most)}`;
  return z.preprocess(bytesOf, z.int({ error }).min(least, { error }).max(most, { error }));
}

function bytesOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const match = sizePattern.exec(value.trim());
  return match ? Math.round(Number(match[1]) * (unitBytes[(match[2] ?? 'b').toLowerCase()] as number)) : value;
}

/** Bytes as a person writes them: the largest binary unit that divides them. */
export function sizeText(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes > 0 && bytes % factor === 0) return `${(bytes / factor).toLocaleString('en')} ${unit}`;
  }
  return bytes === 1 ? '1 byte' : `${bytes.toLocaleString('en')} bytes`;
}

/** One of a few words. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: `one of ${words.join(', ')}` });
}

const truths: Readonly<Record<string, boolean>> = { true: true, yes: true, false: false, no: false };

/** `true` or `false`. */
export function truth() {
  return z.preprocess(truthOf, z.boolean({ error: 'true or false' }));
}

/** `true`, `false`, or `auto`: the service finds out for itself. */
export function truthOrAuto() {
  const error = 'true, false or auto';
  return z.preprocess(truthOf, z.union([z.boolean(), z.literal('auto')], { error }));
}

function truthOf(value: unknown): unknown {
  return typeof value === 'string' ? (truths[value.trim().toLowerCase()] ?? value) : value;
}

/** A list, or its members in one text with commas between. */
export function list<Member extends z.ZodType>(member: Member, expected: string) {
  return z.preprocess(splitBy(','), z.array(member, { error: expected }));
}

function splitBy(separator: string | RegExp): (value: unknown) => unknown {
  return (value) => {
    if (typeof value !== 'string') return value;
    return value
      .split(separator)
      .map((part) => part.trim())
      .filter((part) => part !== '');
  };
}

/** `host:port` of a broker. Kafka's own port is assumed where none is given. */
export const broker = text('HOST:PORT of a Kafka broker', (value) => {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^\s:,/@]+))(?::(?<port>\d{1,5}))?$/.exec(value);
  if (match?.groups === undefined || Number(match.groups['port'] ?? 1) > 65_535) return false;
  return match.groups['v6'] === undefined || isIP(match.groups['v6']) === 6;
}).transform((value) => (/:\d+$/.test(value) ? value : `${value}:9092`));

/** A topic name as Kafka allows it. */
export const topicName = text('a topic name: 1 to 249 of letters, digits, ".", "_" and "-"', isTopicName);

function isTopicName(value: string): boolean {
  return /^[A-Za-z0-9._-]{1,249}$/.test(value) && value !== '.' && value !== '..';
}

/** A schema name, or a subject of a schema registry, whose names are freer. */
export const schemaName = text('a schema name or subject: up to 255 of letters, digits, ".", "_", ":" and "-"', (value) =>
  /^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/.test(value),
);

export const postgresUrl = text(
  'a URL such as postgres://USER:PASSWORD@HOST:5432/DATABASE',
  (value) => /^postgres(ql)?:\/\//.test(value) && URL.canParse(value),
);

export const storageUrl = text(
  's3://BUCKET, s3://BUCKET/PREFIX or file:///DIRECTORY',
  (value) => /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^?#]*)?$/.test(value) || /^file:\/\/\/[^?#]*$/.test(value),
);

export const httpUrl = text('an http:// or https:// URL', (value) => /^https?:\/\//.test(value) && URL.canParse(value));

/** An address, or a CIDR range of them. */
export const addressRange = text('an IP address or a CIDR range such as 10.0.0.0/8', (value) => {
  const [, address = '', bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const family = isIP(address);
  return family !== 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= (family === 6 ? 128 : 32)));
});

/** Properties of librdkafka, as they are written in its own documentation: `sasl.password: …`. */
export const clientProperties = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()], {
    error: 'text, a number, true or false, under the dotted name that librdkafka gives it',
  }),
  { error: 'librdkafka properties, one a line' },
);
export type ClientProperties = Readonly<Record<string, Plain>>;

const tokenForm = `NAME:ROLE:TOKEN with a ROLE of ${roles.join(', ')}, "+payload" behind it for reading payloads, and TOKEN plain or sha256=HEX`;

/** Tokens, one a line or with commas between. Only their hashes are kept. */
export const accessTokens = z.preprocess(
  splitBy(/[\n,]/),
  z.array(
    z.string({ error: tokenForm }).transform((entry, context): AccessToken => {
      const token = accessTokenOf(entry);
      if (token) return token;
      context.issues.push({ code: 'custom', message: tokenForm, input: entry });
      return z.NEVER;
    }),
    { error: `a list of ${tokenForm}` },
  ),
);

function accessTokenOf(entry: string): AccessToken | null {
  const match = /^(?<name>[^\s:,]{1,64}):(?<role>[a-z]+)(?<payload>\+payload)?:(?<token>\S+)$/.exec(entry.trim());
  const { name, role, payload, token } = match?.groups ?? {};
  if (name === undefined || token === undefined || !roles.includes(role as Role)) return null;
  const hashed = token.startsWith('sha256=') ? token.slice('sha256='.length).toLowerCase() : null;
  if (hashed !== null && !/^[0-9a-f]{64}$/.test(hashed)) return null;
  const sha256 = hashed ?? createHash('sha256').update(token).digest('hex');
  return { name, role: role as Role, payloadRead: payload !== undefined, sha256 };
}
