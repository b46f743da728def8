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
  const good = textOf(`e${number}`, number);
  return { key: Buffer.from(userOf(number)), value: Buffer.from(bad ? good.replace(from, to) : good) };
}

/** A good event that says when it was sent, in its `event_id`: microseconds on the clock of whoever sent it. */
export function stampedEvent(number: number, sentMs: number): Event {
  return { key: Buffer.from(userOf(number)), value: Buffer.from(textOf(String(Math.round(sentMs * 1_000)), number)) };
}

const stampBefore = Buffer.from('"event_id":"');

/** Milliseconds that {@link stampedEvent} put into the event. */
export function sentMsOf(value: Buffer): number {
  const at = value.indexOf(stampBefore) + stampBefore.length;
  return Number(value.toString('latin1', at, value.indexOf(0x22, at))) / 1_000;
}

function userOf(number: number): string {
  return `USER${String(number % 1_000_000).padStart(6, '0')}`;
}

function textOf(eventId: string, number: number): string {
  const head = `{"_schema":"user_event","_schema_version":"1.0.0","event_id":"${eventId}","user_id":"${userOf(number)}"`;
  const middle = `,"event_type":"click","timestamp":"2026-01-01T00:00:00Z","session_id":"`;
  const tail =
    `","amount":1${1 + (number % 9)},"properties":{"page":"/products/7","referrer":"https://example.com/?q=1",` +
    `"device":"mobile","tags":["a","b","c"]}}`;
  return head + middle + 's'.repeat(eventBytes - head.length - middle.length - tail.length) + tail;
}
