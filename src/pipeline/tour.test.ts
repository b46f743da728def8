import { beforeEach, describe, expect, test } from 'vitest';
import type { Publisher } from '../drivers/kafka/lane.ts';
import { systemClock } from '../lib/clock.ts';
import type { Batch } from '../model/batch.ts';
import type { Judged, Watermark } from '../model/delivery.ts';
import { answer, type MessageParts, type Slab } from '../model/slab.ts';
import { SlabRing } from '../model/slab-ring.ts';
import type { Fault } from '../model/verdict.ts';
import { buildStores } from '../testing/build-stores.ts';
import { Batcher, type MessageFlow } from './batch/batcher.ts';
import { Committer } from './commit/committer.ts';
import { route } from './route/route.ts';
import { Quarantine } from './sink/quarantine.ts';
import { Sink } from './sink/sink.ts';

/**
 * # A tour of the pipeline
 *
 * Two messages of partition 3 of `raw-events` arrive: one that its schema likes, and one that it does not. Follow them through the
 * six stages. Everything below is the real code of the stages; only what lies outside of them (the broker, the worker threads, the
 * object store, the database) is played by a few lines, which write down what they were asked to do.
 */
const good = { offset: 41, value: '{"_schema":"user_event","user_id":"USER000001"}' };
const bad = { offset: 42, value: '{"_schema":"user_event","user_id":17}' };

let story: string[];

beforeEach(() => {
  story = [];
});

describe('1. consume: bytes come from the topic', () => {
  test('a message is a row of a slab: numbers in columns, bytes packed behind', async () => {
    const slab = new SlabRing({ slabs: 1, rowsMax: 8, bytesMax: 1_000 }).take();
    await flowOf(good, bad).fill(slab, 0);
    expect([slab.offset(0), slab.partition(0), String(slab.value(0))]).toEqual([41, 3, good.value]);
  });
});

describe('2. batch: messages that travel together', () => {
  test('a batch knows what it will settle: one claim for each partition and assignment epoch', async () => {
    const { batch } = await consumedBatch();
    expect(batch.claims).toEqual([{ topic: 'raw-events', partition: 3, epoch: 7, offsetNext: 43, messages: 2 }]);
  });
});

describe('3. validate: every message gets an answer of its own', () => {
  test('the judges write one answer a row into the slab, and words only for the bad', async () => {
    const { batch } = await consumedBatch();
    const { rejects } = judge(batch);
    expect([...batch.slab.answers.subarray(0, 2)]).toEqual([answer.valid, answer.faulty]);
    expect(rejects.map(({ row, fault }) => [row, fault.field_path])).toEqual([[1, 'user_id']]);
  });
});

describe('4. route: where each message goes', () => {
  test('the good keep their order and their partition, modulo the partitions of the target', async () => {
    const { batch } = await consumedBatch();
    const delivery = route(batch, judge(batch), 2);
    expect([...delivery.rows]).toEqual([0]);
    expect([...delivery.partitions]).toEqual([3 % 2]);
  });
});

describe('5. sink: durable where it belongs, before anything may be forgotten', () => {
  test('the good one goes to the valid topic; the bad one becomes a segment, then a row, then a dead letter', async () => {
    const { batch } = await consumedBatch();
    const { passed, kept } = sinkWith(story).deliver(route(batch, judge(batch), 8));
    expect((await passed).rejects).toHaveLength(1);
    await kept;
    expect(story).toContain(`validated-events/3: ${good.value}`);
    const quarantined = story.filter((line) => !line.startsWith('validated-events'));
    expect(quarantined[0]).toMatch(/^segment raw-events\/\d{4}\/\d\d\/\d\d\/[0-9A-Z]{26}\.seg/);
    expect(quarantined[1]).toMatch(/^row raw-events\/3\/42: raw-events\/.*\.seg#\d+\+37$/);
    expect(quarantined[2]).toBe('quarantine-dlq/3: user_id');
    expect(quarantined).toHaveLength(3);
  });
});

describe('6. commit: only what is durable, and never past a gap', () => {
  test('the watermark moves when all is durable, not before', async () => {
    const { batch } = await consumedBatch();
    const watermarks: Watermark[] = [];
    const committer = new Committer({ storeOffsets: (moved) => watermarks.push(...moved), commitStored: () => story.push('commit') });
    committer.assign('raw-events', 3, 7);
    committer.track(batch);
    committer.flush();
    expect(watermarks).toEqual([]);
    const { passed, kept } = sinkWith(story).deliver(route(batch, judge(batch), 8));
    await Promise.all([passed, kept]);
    committer.settle(batch);
    expect(watermarks).toEqual([{ topic: 'raw-events', partition: 3, epoch: 7, offsetNext: 43 }]);
    expect(story.at(-1)).toBe('commit');
  });
});

/** The consume stage as the batcher sees it: the given messages, all at once, then nothing. */
function flowOf(...messages: readonly { offset: number; value: string }[]): MessageFlow {
  const waiting = [...messages];
  const append = (slab: Slab) => {
    let count = 0;
    for (let next = waiting.shift(); next; next = waiting.shift(), count++) slab.append(partsOf(next));
    return count;
  };
  return { topics: ['raw-events'], carriedBytes: null, rebalancePending: false, fill: async (slab) => append(slab) };
}

function partsOf({ offset, value }: { offset: number; value: string }): MessageParts {
  return { offset, value: Buffer.from(value), timestamp: 1_767_225_600_000, partition: 3, topic: 0, epoch: 7, key: null, headers: [] };
}

async function consumedBatch(): Promise<{ batch: Batch }> {
  const ring = new SlabRing({ slabs: 1, rowsMax: 8, bytesMax: 1_000 });
  const batcher = new Batcher({ ring, clock: systemClock, isBehind: () => false, firstMsMax: 1, lingerMsMax: 1 });
  return { batch: (await batcher.next(flowOf(good, bad))) as Batch };
}

/** Plays the worker threads: a user id must be a string. */
function judge({ slab }: Batch): Judged {
  const rejects: { row: number; fault: Fault }[] = [];
  for (let row = 0; row < slab.count; row++) {
    const { user_id: userId } = JSON.parse(String(slab.value(row))) as { user_id: unknown };
    slab.answers[row] = typeof userId === 'string' ? answer.valid : answer.faulty;
    if (slab.answers[row] === answer.faulty) rejects.push({ row, fault: wrongUserId });
  }
  return { rejects, keys: new Map() };
}

const wrongUserId: Fault = {
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'expected a string, found a number',
  field_path: 'user_id',
  instance_path: '/user_id',
  keyword: 'type',
  fingerprint: 'v1:0123456789abcdef0123456789abcdef',
  schema_name: 'user_event',
  schema_version: '1.0.0',
  engine: 'js',
};

/** The sink, with the broker, the object store and the database played by lines of a story. */
function sinkWith(lines: string[]): Sink {
  const publisher: Publisher = {
    publish: async ({ topic, slab, rows, partitions }) => {
      rows.forEach((row, index) =>
        lines.push(`${topic}/${partitions[index]}: ${topic === 'quarantine-dlq' ? pathIn(slab.value(row)) : slab.value(row)}`),
      );
      return [];
    },
    caughtUp: async () => {},
    close: async () => {},
  };
  const quarantine = new Quarantine({
    publisher,
    stores: buildStores({
      storage: { put: async (key) => void lines.push(`segment ${key}`) },
      records: {
        insert: async (rows) => {
          for (const { record, storagePath } of rows)
            lines.push(`row ${record.topic}/${record.partition}/${record.offset}: ${storagePath}`);
          return new Map();
        },
      },
    }),
    spool: null,
    spoolMsMax: 10_000,
    dlqTopic: 'quarantine-dlq',
    dlqPartitions: 8,
    dlqBytesMax: 1_000_000,
    identify: () => '00000000-0000-5000-8000-000000000000',
    clock: systemClock,
    loadMessagesMax: 100,
    loadBytesMax: 1_000_000,
    lingerMsMax: 1,
    loadsMax: 1,
    batchesMax: 10,
    signal: new AbortController().signal,
    onSpooled: () => {},
    onSpoolRefused: () => {},
    onRefusedKept: () => {},
  });
  return new Sink({ publisher, validTopic: 'validated-events', keyRequired: false, quarantine, faultOf: () => wrongUserId });
}

/** The `field_path` of a dead letter. */
function pathIn(letter: Buffer | null): string {
  return (JSON.parse(String(letter)) as { validation_error: { field_path: string } }).validation_error.field_path;
}
