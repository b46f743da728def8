import type { Header } from '../model/header.ts';
import type { ErrorType } from '../model/verdict.ts';
import { createRandom, type Random } from './random.ts';

/** The kinds of bad message that a producer can send, and the error type that each must end with. */
export const badKinds = {
  schema_violation: 'schema_violation',
  schema_missing: 'schema_missing',
  schema_not_found: 'schema_not_found',
  malformed_json: 'malformed_json',
  empty_value: 'malformed_json',
  nul_byte: 'malformed_json',
  invalid_utf8: 'invalid_utf8',
  duplicate_key: 'duplicate_key',
  forbidden_key: 'forbidden_key',
  too_deep: 'too_deep',
  large_headers: 'too_large',
  large_value: 'too_large',
} as const satisfies Record<string, ErrorType>;

export type BadKind = keyof typeof badKinds;

/** Kinds that are not bad, but not plain either: a null value; a schema named by headers, beside other and repeated headers. */
export const goodKinds = ['tombstone', 'headers'] as const;

export type SampleKind = BadKind | (typeof goodKinds)[number];

/** How often each bad kind comes among bad messages. A value of 10 MiB comes only where it is asked for by its name. */
const weights: Readonly<Record<BadKind, number>> = {
  schema_violation: 600,
  malformed_json: 80,
  schema_missing: 60,
  schema_not_found: 60,
  empty_value: 40,
  invalid_utf8: 40,
  duplicate_key: 40,
  forbidden_key: 40,
  too_deep: 20,
  nul_byte: 18,
  large_headers: 2,
  large_value: 1,
};

const badNames = Object.keys(badKinds) as BadKind[];

/** What `all` and `plain` stand for. `plain` is for measuring: valid messages without headers, and schema violations. */
export const kindSets: Readonly<Record<'all' | 'plain', readonly SampleKind[]>> = {
  all: [...badNames.filter((kind) => kind !== 'large_value'), ...goodKinds],
  plain: ['schema_violation'],
};

export interface SampleOptions {
  /** The same seed gives the same events, byte for byte. */
  readonly seed: number;
  /** The share of bad messages, 0 to 1. */
  readonly invalid?: number;
  /** Bytes of an ordinary value, about: no event is made shorter than its members are. */
  readonly sizeBytes?: number;
  /** How many of the four example schemas are used. */
  readonly schemas?: number;
  readonly kinds?: readonly SampleKind[];
}

export interface SampleEvent {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Header[];
  readonly kind: 'valid' | SampleKind;
  /** What must become of it, on a topic without a default schema and under the default limits. */
  readonly expected: 'valid' | 'tombstone' | ErrorType;
}

export interface SampleEvents {
  next(): SampleEvent;
}

const schemasAll = 4;
const tombstoneShare = 0.002;
const headersShare = 0.06;
const limitDepth = 128;
const limitHeaderBytes = 64 * 1024;
const limitValueBytes = 10 * 2 ** 20;

/** An endless row of events of the schemas in `schemas/`, made from templates so that the maker is never the bottleneck. */
export function sampleEvents(options: SampleOptions): SampleEvents {
  const { seed, invalid = 0.05, sizeBytes = 300, schemas = schemasAll, kinds = kindSets.all } = options;
  const random = createEventRandom(seed);
  const makers = [userEvent, orderEvent, paymentEvent, sensorReading].slice(0, schemas);
  const pickBad = weighted(badNames.filter((kind) => kinds.includes(kind)));
  const tombstones = kinds.includes('tombstone') ? tombstoneShare : 0;
  const headed = kinds.includes('headers') ? headersShare : 0;
  let made = 0;
  return {
    next: () => {
      const maker = makers[made++ % makers.length] as Maker;
      const draft = maker(random, sizeBytes);
      if (pickBad && random.share() < invalid) return badEvent(pickBad(random), draft, random);
      const luck = random.share();
      if (luck < tombstones)
        return { key: Buffer.from(draft.key ?? draft.schema), value: null, headers: [], kind: 'tombstone', expected: 'tombstone' };
      if (luck < tombstones + headed) return headedEvent(draft, random);
      return { key: keyOf(draft), value: Buffer.from(draft.text, 'latin1'), headers: [], kind: 'valid', expected: 'valid' };
    },
  };
}

/** A valid event as text. All of it is ASCII. */
interface Draft {
  readonly schema: string;
  readonly version: string;
  readonly key: string | null;
  readonly text: string;
  /** Pieces of the text and what to put in their place for a violation of the schema. */
  readonly flaws: readonly (readonly [string, string])[];
}

type Maker = (random: EventRandom, sizeBytes: number) => Draft;

const userFlaws = [
  ['"USER', '"user-'],
  ['"event_type":', '"event_kind":'],
  ['"amount":', '"amount":-1'],
  ['"timestamp":"2', '"timestamp":"on 2'],
  ['"device":"', '"device":"smart '],
  ['"session_id":', '"session_number":'],
] as const;
const userActions = ['view', 'click', 'purchase', 'search'];
const devices = ['mobile', 'desktop', 'tablet'];

function userEvent(random: EventRandom, sizeBytes: number): Draft {
  const user = `USER${random.digits(6)}`;
  // 1.1.0 knows one action more than 1.0.0.
  const version = random.below(2) === 0 ? '1.0.0' : '1.1.0';
  const action = userActions[random.below(version === '1.0.0' ? 3 : 4)] as string;
  const before =
    `{"_schema":"user_event","_schema_version":"${version}","event_id":"${random.hex()}","user_id":"${user}","event_type":"${action}",` +
    `"timestamp":"${random.time()}","amount":${random.below(100_000) / 100},` +
    `"properties":{"page":"/products/${random.below(100_000)}","device":"${devices[random.below(3)]}","tags":["sale","new"]},"session_id":"`;
  return { schema: 'user_event', version, key: user, text: `${before}${padding(sizeBytes - before.length - 2)}"}`, flaws: userFlaws };
}

const orderFlaws = [
  ['"quantity":', '"quantity":0.'],
  ['"quantity":2', '"quantity":"2"'],
  ['"order_id":"', '"order_id":"no-'],
  ['"items":', '"positions":'],
  ['"currency":"EUR"', '"currency":"Euro"'],
  ['"currency":"EUR"', '"currency":"eur"'],
  ['"sku":"ABC', '"sku":"abc'],
  ['"status":"placed"', '"status":"shipped"'],
] as const;
const noteLengthMax = 1_000;
const item = '{"sku":"ABC-123","quantity":2,"price":{"amount":9.99,"currency":"EUR"}}';
const itemsMax = 400;

/** Keyless: the order's id becomes the key. */
function orderEvent(random: EventRandom, sizeBytes: number): Draft {
  const before =
    `{"_schema":"order_event","order_id":"${random.uuid()}","customer_id":"c-${random.below(1_000_000)}","status":"placed",` +
    `"created_at":"${random.time()}","total":{"amount":${random.below(100_000) / 100},"currency":"EUR"},"items":[${item}`;
  const left = sizeBytes - before.length - '],"note":""}'.length;
  const items = Math.max(0, Math.min(itemsMax, Math.floor((left - noteLengthMax) / (item.length + 1)) + 1));
  const note = padding(Math.min(noteLengthMax, left - items * (item.length + 1)));
  return {
    schema: 'order_event',
    version: '1.0.0',
    key: null,
    text: `${before}${`,${item}`.repeat(items)}],"note":"${note}"}`,
    flaws: orderFlaws,
  };
}

const paymentFlaws = [
  ['"amount_minor":', '"amount_minor":0.'],
  ['"last4":"', '"last4":"#'],
  ['"pay_', '"paid_'],
  ['"state":"captured"', '"state":"failed"'],
  ['"currency":"EUR"', '"currency":"EUR","refund_reason":"none"'],
  ['"payer_email":"', '"payer_email":"@'],
] as const;

/** The members are short by their schema, so a large event ends in white space. */
function paymentEvent(random: EventRandom, sizeBytes: number): Draft {
  const order = random.uuid();
  const text =
    `{"_schema":"payment_event","_schema_version":"1.0.0","payment_id":"pay_${random.hex()}","order_id":"${order}",` +
    `"amount_minor":${1 + random.below(100_000)},"currency":"EUR","method":"card","state":"captured","occurred_at":"${random.time()}",` +
    `"payer_email":"payer${random.below(10_000)}@example.com","card":{"brand":"visa","last4":"${random.digits(4)}","expires":"2028-05"}}`;
  return { schema: 'payment_event', version: '1.0.0', key: order, text: text.padEnd(sizeBytes), flaws: paymentFlaws };
}

const sensorFlaws = [
  ['"temperature_c":', '"temperature_c":"warm","t":'],
  ['"battery_percent":', '"battery_percent":101'],
  ['"sensor_id":"', '"sensor_id":"Sensor '],
  ['"measured_at":', '"measured":'],
  ['"position":[', '"position":[200,'],
  ['"humidity"', '"Humidity %"'],
] as const;

/** Keyless: the sensor's name becomes the key. The schema lets unknown members pass. */
function sensorReading(random: EventRandom, sizeBytes: number): Draft {
  const before =
    `{"_schema":"sensor_reading","sensor_id":"roof-${random.below(10_000)}","measured_at":"${random.time()}",` +
    `"readings":{"temperature_c":${random.below(400) / 10},"humidity":${random.below(100)},"co2_ppm":${400 + random.below(1_000)}},` +
    `"battery_percent":${random.below(100)},"position":[13.4,52.5],"firmware":"2.4.1","comment":"`;
  return {
    schema: 'sensor_reading',
    version: '1.0.0',
    key: null,
    text: `${before}${padding(sizeBytes - before.length - 2)}"}`,
    flaws: sensorFlaws,
  };
}

function headedEvent(draft: Draft, random: EventRandom): SampleEvent {
  const headers = [
    header('trace', random.hex()),
    header('dq.schema', draft.schema),
    header('dq.schema.version', draft.version),
    header('trace', random.hex()),
    header('empty', ''),
  ];
  const value = Buffer.from(draft.text.replace(`"_schema":"${draft.schema}",`, ''), 'latin1');
  return { key: keyOf(draft), value, headers, kind: 'headers', expected: 'valid' };
}

function badEvent(kind: BadKind, draft: Draft, random: EventRandom): SampleEvent {
  const headers = kind === 'large_headers' ? [header('blob', padding(limitHeaderBytes))] : [];
  return { key: keyOf(draft), value: badValue(kind, draft, random), headers, kind, expected: badKinds[kind] };
}

/** The event with something in it that makes it bad in just this way. */
function badValue(kind: BadKind, draft: Draft, random: EventRandom): Buffer {
  const { text, schema } = draft;
  const nameless = text.replace(`"_schema":"${schema}",`, '');
  const withMember = (member: string) => Buffer.from(`{${member},${text.slice(1)}`, 'latin1');
  switch (kind) {
    case 'schema_violation': {
      const [piece, flaw] = draft.flaws[random.below(draft.flaws.length)] as readonly [string, string];
      return Buffer.from(text.replace(piece, flaw), 'latin1');
    }
    case 'schema_missing':
      return Buffer.from(random.below(4) === 0 ? '[1,2,3]' : nameless, 'latin1');
    case 'schema_not_found':
      return Buffer.from(
        text.replace(`"_schema":"${schema}"`, random.below(2) === 0 ? '"_schema":"no_such_event"' : `"_schema":"${schema}_v9"`),
        'latin1',
      );
    case 'malformed_json':
      return Buffer.from(random.below(2) === 0 ? text.trimEnd().slice(0, -1) : `${text},`, 'latin1');
    case 'empty_value':
      return Buffer.alloc(0);
    case 'nul_byte':
      return Buffer.from(text.replace('":"', '":"\0'), 'latin1');
    case 'invalid_utf8':
      return Buffer.from(text.replace('":"', '":"\xff'), 'latin1');
    case 'duplicate_key':
      return withMember('"twice":1,"twice":2');
    case 'forbidden_key':
      return withMember(random.below(2) === 0 ? '"__proto__":{"admin":true}' : '"\\u005f_proto__":1');
    case 'too_deep':
      return withMember(`"deep":${'['.repeat(2 * limitDepth)}${']'.repeat(2 * limitDepth)}`);
    case 'large_value':
      return withMember(`"large":"${padding(limitValueBytes)}"`);
    case 'large_headers':
      return Buffer.from(text, 'latin1');
  }
}

function keyOf({ key }: Draft): Buffer | null {
  return key === null ? null : Buffer.from(key, 'latin1');
}

function header(name: string, value: string): Header {
  return { name, value: Buffer.from(value, 'latin1') };
}

let filler = 'The quick brown fox jumps over the lazy dog. '.repeat(32);

function padding(length: number): string {
  while (filler.length < length) filler += filler;
  return filler.slice(0, Math.max(0, length));
}

function weighted(kinds: readonly BadKind[]): ((random: EventRandom) => BadKind) | null {
  const total = kinds.reduce((sum, kind) => sum + weights[kind], 0);
  if (total === 0) return null;
  return (random) => {
    let left = random.below(total);
    return kinds.find((kind) => (left -= weights[kind]) < 0) as BadKind;
  };
}

/** What the makers of events draw from. */
interface EventRandom extends Random {
  digits(count: number): string;
  /** Eight hexadecimal digits. */
  hex(): string;
  uuid(): string;
  /** An RFC 3339 time. */
  time(): string;
}

const times = Array.from({ length: 3_600 }, (_, second) => new Date(Date.UTC(2026, 10, 4, 10, 0, second)).toISOString());

function createEventRandom(seed: number): EventRandom {
  const random = createRandom(seed);
  let seconds = 0;
  const hex = () => random.word().toString(16).padStart(8, '0');
  return {
    ...random,
    digits: (count) => String(random.word()).padStart(count, '0').slice(-count),
    hex,
    uuid: () => `${hex()}-9d4a-4c7b-8e2f-1a2b3c4d5e6f`,
    time: () => times[seconds++ % times.length] as string,
  };
}
