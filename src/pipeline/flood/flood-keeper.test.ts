import { beforeEach, expect, test } from 'vitest';
import { DataQuarantineError } from '../../lib/errors.ts';
import { silentLog } from '../../observe/log.ts';
import { Flood } from './flood.ts';
import { FloodKeeper, type FloodShelf, type ShelvedBreaker, type ShelvedCounts } from './flood-keeper.ts';
import type { FloodRules, TopicFlood } from './topic-flood.ts';

let story: string[];
let nowMs: number;
let stored: ShelvedBreaker[];
let storedCounts: ShelvedCounts[];
let isAway: boolean;

beforeEach(() => {
  story = [];
  nowMs = 0;
  stored = [];
  storedCounts = [];
  isAway = false;
});

const trip = { reason: 'too many', cause: null };

function keeperWith(action: FloodRules['action'] = 'alert'): { keeper: FloodKeeper; topic: TopicFlood } {
  const flood: Flood = new Flood({
    topics: ['raw'],
    rulesOf: () => ({ action, share: 0.5, causeShare: 0.5, window: 100, consecutive: 10, sampleCount: 1 }),
    mayPoint: () => false,
    onTrip: () => {},
    onPointers: () => {},
  });
  const shelf: FloodShelf = {
    breakers: async () => {
      if (isAway) throw new DataQuarantineError('DQ_POSTGRES_UNREACHABLE', 'away');
      return stored;
    },
    trip: async (topic, generation, { reason }) => {
      story.push(`trip ${topic} ${generation} ${reason}`);
      stored = [{ topic, generation, trip: { reason, cause: null }, mutedMs: 0 }];
    },
    touch: async (topic) => void story.push(`touch ${topic}`),
    close: async (topic) => {
      story.push(`close ${topic}`);
      stored = stored.map((breaker) => ({ ...breaker, trip: null }));
    },
    load: async () => storedCounts,
    save: async (counts) => void story.push(`save ${counts.map(({ partition, invalid }) => `${partition}:${invalid}`).join(' ')}`),
  };
  const keeper = new FloodKeeper({
    flood,
    shelf,
    clock: { now: () => nowMs, monotonic: () => nowMs, sleep: async () => {} },
    log: silentLog(),
    signal: new AbortController().signal,
    onState: ({ trip: now }) => story.push(now ? `in flood: ${now.reason}` : 'no more'),
  });
  return { keeper, topic: flood.of('raw') as TopicFlood };
}

/** So many bad messages of partition 0. */
function fail(topic: TopicFlood, messages: number): void {
  for (let count = 0; count < messages; count++) topic.failed(topic.partition(0));
}

test('what trips here is told, what tripped elsewhere is learned, and a lift is followed', async () => {
  const { keeper, topic } = keeperWith('pause');
  topic.tripped(trip);
  keeper.tripped(topic);
  await keeper.sync();
  expect(story).toEqual(['in flood: too many', 'trip raw 0 too many']);
  stored = [{ topic: 'raw', generation: 1, trip: null, mutedMs: 5_000 }];
  await keeper.sync();
  expect([topic.trip, topic.isMuted, story.at(-1)]).toEqual([null, true, 'no more']);
  stored = [{ topic: 'raw', generation: 1, trip: { reason: 'elsewhere', cause: null }, mutedMs: 0 }];
  await keeper.sync();
  expect([topic.trip?.reason, topic.isMuted, story.at(-1)]).toEqual(['elsewhere', false, 'in flood: elsewhere']);
});

test('while the shelf is away, what was known last holds, a mute ends in time, and what tripped meanwhile is told afterwards', async () => {
  const { keeper, topic } = keeperWith();
  stored = [{ topic: 'raw', generation: 1, trip: null, mutedMs: 5_000 }];
  await keeper.sync();
  isAway = true;
  nowMs = 4_999;
  await keeper.sync();
  expect(topic.isMuted).toBe(true);
  nowMs = 5_001;
  await keeper.sync();
  expect(topic.isMuted).toBe(false);
  topic.tripped(trip);
  keeper.tripped(topic);
  await keeper.sync();
  expect([topic.trip, story]).toEqual([trip, ['in flood: too many']]);
  isAway = false;
  await keeper.sync();
  expect(story.slice(1)).toEqual(['trip raw 1 too many']);
});

test('a flood that goes on is said to, one that was calm for a minute is closed, and one that pauses waits for somebody', async () => {
  for (const action of ['alert', 'pause'] as const) {
    story = [];
    nowMs = 0;
    stored = [];
    const { keeper, topic } = keeperWith(action);
    topic.tripped(trip);
    keeper.tripped(topic);
    fail(topic, 10);
    await keeper.sync();
    topic.passed(topic.partition(0), 200);
    topic.judge(new Set());
    await keeper.sync();
    nowMs = 61_000;
    await keeper.sync();
    await keeper.sync();
    const moods = story.slice(2).filter((line) => !line.startsWith('save'));
    expect(moods).toEqual(action === 'pause' ? [] : ['touch raw', 'close raw', 'no more']);
  }
});

test('counts are written when something bad was counted, after what an earlier owner counted was added, and once more on the way out', async () => {
  const { keeper, topic } = keeperWith();
  keeper.assigned([{ topic: 'raw', partition: 0 }]);
  fail(topic, 2);
  storedCounts = [{ topic: 'raw', partition: 0, generation: 0, messages: 3, invalid: 3, run: 3, causes: {} }];
  await keeper.sync();
  expect(story).toEqual([]);
  await keeper.sync();
  await keeper.sync();
  expect(story).toEqual(['save 0:5']);
  fail(topic, 1);
  keeper.released([{ topic: 'raw', partition: 0 }]);
  await keeper.sync();
  expect(story).toEqual(['save 0:5', 'save 0:6']);
});

test('a topic that became quiet is in flood no more, however much was bad before', async () => {
  const { keeper, topic } = keeperWith();
  keeper.assigned([{ topic: 'raw', partition: 0 }]);
  fail(topic, 5_000);
  topic.judge(new Set());
  keeper.tripped(topic);
  topic.tripped(trip);
  for (const minute of [0, 9, 10, 12]) {
    nowMs = minute * 60_000;
    await keeper.sync();
  }
  expect(story.filter((line) => line.startsWith('touch'))).toHaveLength(2);
  expect(story.slice(-2)).toEqual(['save 0:0', 'close raw']);
  await keeper.sync();
  expect(story.at(-1)).toBe('no more');
});

test('a partition of which nothing came counts as calm, so that a flood that is known from before the start can end', async () => {
  const { keeper } = keeperWith();
  stored = [{ topic: 'raw', generation: 0, trip, mutedMs: 0 }];
  keeper.assigned([{ topic: 'raw', partition: 0 }]);
  await keeper.sync();
  nowMs = 61_000;
  await keeper.sync();
  expect(story).toEqual(['in flood: too many', 'close raw']);
});

test('good messages behind bad ones are written, too: a restart brings no old run back', async () => {
  const { keeper, topic } = keeperWith();
  fail(topic, 9);
  await keeper.sync();
  topic.passed(topic.partition(0), 1);
  await keeper.sync();
  topic.passed(topic.partition(0), 800);
  for (let batch = 0; batch < 5; batch++) topic.judge(new Set());
  await keeper.sync();
  topic.passed(topic.partition(0), 1);
  await keeper.sync();
  expect(story).toEqual(['save 0:9', 'save 0:9', 'save 0:0']);
});

test('a breaker that tripped here is told again when its row is taken out, and follows a table that was made anew', async () => {
  const { keeper, topic } = keeperWith('pause');
  stored = [{ topic: 'raw', generation: 3, trip: null, mutedMs: 0 }];
  await keeper.sync();
  topic.tripped(trip);
  keeper.tripped(topic);
  await keeper.sync();
  stored = [];
  await keeper.sync();
  expect(story).toEqual(['in flood: too many', 'trip raw 3 too many', 'trip raw 3 too many']);
  stored = [{ topic: 'raw', generation: 1, trip: null, mutedMs: 5_000 }];
  await keeper.sync();
  expect([topic.trip, story.at(-1)]).toEqual([null, 'no more']);
  topic.tripped(trip);
  keeper.tripped(topic);
  await keeper.sync();
  expect(story.at(-1)).toBe('trip raw 1 too many');
});

test('a pause that tripped while the shelf was away is lifted there before it was ever told', async () => {
  const { keeper, topic } = keeperWith('pause');
  isAway = true;
  topic.tripped(trip);
  keeper.tripped(topic);
  await keeper.sync();
  isAway = false;
  stored = [{ topic: 'raw', generation: 1, trip: null, mutedMs: 5_000 }];
  await keeper.sync();
  expect([topic.trip, story]).toEqual([null, ['in flood: too many', 'no more']]);
});
