/** Bytes of one event, good or bad: the size that all figures of this project are about. */
export const eventBytes = 309;

export interface Event {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** What makes a bad event bad, in turn: four causes of `schema_violation`. Each keeps the event's length. */
const flaws: readonly (readonly [good: string, bad: string])[] = [
  ['"event_type":"click"', '"event_type":"clack"'],
  ['"device":"mobile"', '"device":"toster"'],
  ['"amount":1', '"amount":-'],
  ['"timestamp":"2026-01-01T', '"timestamp":"2026-13-01T'],
];

/** The event with that number: the same number, the same bytes. Bad ones are spread evenly. */
export function eventOf(number: number, invalidShare: number): Event {
  const badBefore = Math.floor(number * invalidShare);
  const bad = Math.floor((number + 1) * invalidShare) > badBefore;
  const [from, to] = flaws[badBefore % flaws.length] as (typeof flaws)[number];
  const good = textOf({ number });
  return { key: keyOf(number), value: Buffer.from(bad ? good.replace(from, to) : good) };
}

/** A good event of the schema with that name. */
export function eventOfSchema(number: number, schema: string): Event {
  return { key: keyOf(number), value: Buffer.from(textOf({ number, schema })) };
}

/** A good event whose `event_id` is twenty zeros, for whoever sends it to write the time over. */
export function blankEvent(): string {
  return textOf({ number: 1, eventId: '0'.repeat(20) });
}

/** The schema of {@link sizedEvent}. */
export const sizedSchema = `name: sized
version: 1.0.0
schema:
  $schema: http://json-schema.org/draft-07/schema#
  type: object
  required: [id, items]
  properties:
    id: { type: integer, minimum: 0 }
    pad: { type: string }
    items:
      type: array
      items:
        type: object
        required: [sku, qty]
        additionalProperties: false
        properties:
          sku: { type: string, pattern: '^[A-Z]{2}[0-9]{4}$' }
          qty: { type: integer, minimum: 1 }
`;

/** A good event of exactly so many bytes, from 90 on: the larger, the more members there are to judge. */
export function sizedEvent(number: number, bytes: number): Event {
  const head = `{"_schema":"sized","id":${String(1_000_000 + (number % 1_000_000))},"pad":"`;
  const item = `{"sku":"AB${String(number % 10_000).padStart(4, '0')}","qty":7}`;
  const around = `","items":[]}`;
  const room = bytes - head.length - around.length;
  const count = Math.floor((room + 1) / (item.length + 1));
  const items = Array.from({ length: count }, () => item).join(',');
  return { key: keyOf(number), value: Buffer.from(`${head}${'p'.repeat(room - items.length)}","items":[${items}]}`) };
}

function keyOf(number: number): Buffer {
  return Buffer.from(userOf(number));
}

function userOf(number: number): string {
  return `USER${String(number % 1_000_000).padStart(6, '0')}`;
}

interface TextOptions {
  readonly number: number;
  readonly schema?: string;
  readonly eventId?: string;
}

function textOf({ number, schema = 'user_event', eventId = `e${number}` }: TextOptions): string {
  const head = `{"_schema":"${schema}","_schema_version":"1.0.0","event_id":"${eventId}","user_id":"${userOf(number)}"`;
  const middle = `,"event_type":"click","timestamp":"2026-01-01T00:00:00Z","session_id":"`;
  const tail =
    `","amount":1${1 + (number % 9)},"properties":{"page":"/products/7","referrer":"https://example.com/?q=1",` +
    `"device":"mobile","tags":["a","b","c"]}}`;
  return head + middle + 's'.repeat(eventBytes - head.length - middle.length - tail.length) + tail;
}
