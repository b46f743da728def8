import { expect, test } from 'vitest';
import type { Reject } from '../../model/delivery.ts';
import { answer } from '../../model/slab.ts';
import type { Fault } from '../../model/verdict.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { Flood } from './flood.ts';
import type { FloodRules } from './topic-flood.ts';

const faultOf = (cause: string): Fault => ({
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'expected something else',
  field_path: 'a',
  instance_path: '/a',
  keyword: 'type',
  fingerprint: cause,
  schema_name: 's',
  schema_version: '1.0.0',
  engine: 'js',
});
const faults = { x: faultOf('x'), y: faultOf('y') };

const trips: string[] = [];
const pointers: number[] = [];

function floodWith(rules: Partial<FloodRules> = {}, mayPoint = true): Flood {
  trips.length = 0;
  pointers.length = 0;
  return new Flood({
    topics: ['raw-events'],
    rulesOf: () => ({ action: 'alert', share: 0.2, causeShare: 0.2, window: 100, consecutive: 50, sampleCount: 2, ...rules }),
    mayPoint: () => mayPoint,
    onTrip: (_, { reason }) => trips.push(reason),
    onPointers: (_, messages) => pointers.push(messages),
  });
}

/** One batch of a partition: a dot is a good message, a letter the cause of a bad one. Returns the answers afterwards, `p` for a pointer. */
function judge(flood: Flood, text: string, partition = 0): string {
  const signs = text.split('');
  const messages = signs.map((sign) => ({ partition, epoch: partition + 1, answer: sign === '.' ? answer.valid : answer.faulty }));
  const batch = buildBatch(messages);
  const rejects = signs.flatMap((sign, row): Reject[] => (sign === '.' ? [] : [{ row, fault: faults[sign as 'x' | 'y'] }]));
  flood.judge(batch, rejects, batch.claims);
  return signs.map((sign, row) => (batch.slab.answers[row] === answer.pointer ? 'p' : sign)).join('');
}

const isTripped = (flood: Flood) => flood.of('raw-events')?.trip !== null;

test('a share below the limit never trips, however long it lasts; one at the limit does within a window', () => {
  const below = floodWith();
  for (let batch = 0; batch < 100; batch++) judge(below, `${'x.'.repeat(9)}${'.'.repeat(82)}`);
  expect(trips).toEqual([]);
  const at = floodWith();
  judge(at, 'x.'.repeat(10));
  judge(at, `${'.'.repeat(40)}${'x.'.repeat(9)}`);
  expect(trips).toEqual([]);
  judge(at, '.x');
  expect(trips).toEqual(['20 of the last 80 messages are bad; 20 of one cause, schema_violation at a of s, x']);
  judge(at, 'xxx');
  expect(trips).toHaveLength(1);
});

test('one cause has a limit of its own', () => {
  const flood = floodWith({ share: 0.9, causeShare: 0.1 });
  judge(flood, 'xy.'.repeat(9));
  expect(isTripped(flood)).toBe(false);
  judge(flood, 'x');
  expect(isTripped(flood)).toBe(true);
});

test('bad messages in a row trip at once, even if a good one follows in the same batch', () => {
  const flood = floodWith({ window: 10_000 });
  judge(flood, 'x'.repeat(49));
  judge(flood, `.${'x'.repeat(49)}`);
  expect(trips).toEqual([]);
  judge(flood, 'x.');
  expect(trips).toEqual(['50 messages in a row are bad; 99 of one cause, schema_violation at a of s, x']);
});

test('the ends of all partitions together are a row, too', () => {
  const flood = floodWith({ window: 10_000 });
  for (const partition of [0, 1, 2]) judge(flood, `.${'x'.repeat(16)}`, partition);
  expect(trips).toEqual([]);
  judge(flood, 'xx', 3);
  expect(trips).toHaveLength(1);
});

test('in a sampled flood the first of each cause and partition stay whole, and the others become pointers while the source holds them', () => {
  const flood = floodWith({ action: 'sample', consecutive: 5 });
  expect(judge(flood, 'xxxx')).toBe('xxxx');
  expect(judge(flood, 'xxxx.y')).toBe('xxpp.y');
  expect(judge(flood, 'xyy')).toBe('pyp');
  expect(judge(flood, 'xxx', 1)).toBe('xxp');
  expect(pointers).toEqual([2, 2, 1]);
  const fleeting = floodWith({ action: 'sample', consecutive: 5 }, false);
  expect(judge(fleeting, 'xxxxxxxx')).toBe('xxxxxxxx');
});

test('an alert marks nothing, and only a pause holds the topic', () => {
  const alert = floodWith({ consecutive: 5 });
  expect(judge(alert, 'xxxxxxxx')).toBe('xxxxxxxx');
  expect(alert.isHeld('raw-events')).toBe(false);
  const pause = floodWith({ action: 'pause', consecutive: 5 });
  judge(pause, 'xxxxx');
  expect([pause.isHeld('raw-events'), pause.isHeld('other')]).toEqual([true, false]);
});

test('what was lifted is counted anew, and while it is muted nothing trips', () => {
  const flood = floodWith({ action: 'pause', consecutive: 5 });
  const topic = flood.of('raw-events');
  judge(flood, 'xxxxx');
  topic?.lifted();
  judge(flood, 'xxxx');
  expect([flood.isHeld('raw-events'), trips.length]).toEqual([false, 1]);
  if (topic) topic.isMuted = true;
  judge(flood, 'xxxx');
  expect(trips).toHaveLength(1);
  if (topic) topic.isMuted = false;
  judge(flood, 'x');
  expect(trips).toHaveLength(2);
});

test('a flood is over when less than half of each limit is left', () => {
  const flood = floodWith();
  judge(flood, 'x.'.repeat(20));
  expect(flood.of('raw-events')?.isCalm).toBe(false);
  for (let batch = 0; batch < 3; batch++) judge(flood, '.'.repeat(90));
  expect(flood.of('raw-events')?.isCalm).toBe(true);
});

test('counts go with their partition: what the earlier owner counted trips the next one', () => {
  const first = floodWith({ consecutive: 5 });
  judge(first, 'xxxx');
  const stored = first.of('raw-events')?.release(0)?.toStored();
  expect(stored).toEqual({ messages: 4, invalid: 4, run: 4, causes: { x: [4, 0] } });
  const next = floodWith({ consecutive: 5 });
  if (stored) next.of('raw-events')?.partition(0).add(stored);
  next.of('raw-events')?.recount();
  judge(next, 'x');
  expect(trips).toEqual(['5 messages in a row are bad; 5 of one cause, schema_violation at a of s, x']);
});

test('causes beyond what anybody can tell apart share one count', () => {
  const flood = floodWith();
  const counts = flood.of('raw-events')?.partition(0);
  for (let cause = 0; cause < 1_000; cause++) if (counts) counts.cause(`cause ${cause}`).messages += 1;
  expect(counts?.causes.size).toBeLessThan(300);
  expect(counts?.cause('one more').messages).toBe(800);
});
