import { beforeEach, expect, test } from 'vitest';
import type { Refusal } from '../../drivers/kafka/lane.ts';
import { systemClock } from '../../lib/clock.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { Batch } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import type { StoredPlace } from '../../model/record.ts';
import { answer } from '../../model/slab.ts';
import type { Fault } from '../../model/verdict.ts';
import type { StoredRow } from '../../store/copy-rows.ts';
import { decodeSpooled } from '../../store/spooled-record.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { buildStores } from '../../testing/build-stores.ts';
import { Quarantine, type QuarantineOptions } from './quarantine.ts';

const fault: Fault = {
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'expected a string, found a number',
  field_path: 'a',
  instance_path: '/a',
  keyword: 'type',
  fingerprint: 'v1:now',
  schema_name: 's',
  schema_version: '1.0.0',
  engine: 'js',
};

let story: string[];
let letters: { id: string; fingerprint: string; value: string }[];

beforeEach(() => {
  story = [];
  letters = [];
});

interface Doubles {
  put?: (key: string) => Promise<void>;
  insert?: (rows: readonly StoredRow[]) => Promise<ReadonlyMap<string, StoredPlace>>;
  refuse?: (letter: { key: Buffer | null; value: Buffer | null }) => boolean;
}

function quarantineWith({ put, insert, refuse = () => false }: Doubles = {}, options: Partial<QuarantineOptions> = {}): Quarantine {
  return new Quarantine({
    stores: buildStores(
      {
        storage: { put: put ?? (async (key) => void story.push(`segment ${key.split('/')[0]}`)) },
        records: {
          insert:
            insert ??
            (async (rows) => {
              story.push(`rows ${rows.length}`);
              return new Map();
            }),
        },
      },
      { onFailure: (sink, code) => story.push(`failed ${sink} ${code}`) },
    ),
    spool: null,
    spoolMsMax: 10_000,
    publisher: {
      publish: async ({ slab, rows }) => {
        story.push(`letters ${rows.length}`);
        const refusals: Refusal[] = [];
        for (const row of rows) {
          const [key, value] = [slab.key(row), slab.value(row)];
          if (refuse({ key, value })) refusals.push({ row, reason: 'too_large', message: 'too large' });
          else letters.push({ ...(JSON.parse(String(value)) as { id: string; fingerprint: string }), value: String(value) });
        }
        return refusals;
      },
      caughtUp: async () => {},
      close: async () => {},
    },
    dlqTopic: 'dlq',
    dlqPartitions: 4,
    dlqBytesMax: 1_000,
    identify: (_, partition, offset) => `${partition}-${offset}`,
    clock: systemClock,
    loadMessagesMax: 100,
    loadBytesMax: 1_000_000,
    lingerMsMax: 1,
    loadsMax: 2,
    batchesMax: 100,
    signal: new AbortController().signal,
    onSpooled: (records) => story.push(`spooled ${records}`),
    onSpoolRefused: ({ code }) => story.push(`refused ${code}`),
    onRefusedKept: () => story.push('refused ones kept'),
    ...options,
  });
}

/** Resolves when all is durable. */
function keepAll(quarantine: Quarantine, batch: Batch, rejects: readonly Reject[]): Promise<void> {
  return quarantine.keep(batch, rejects).kept;
}

function rejectsOf(...values: string[]): [Batch, Reject[]] {
  const batch = buildBatch(values.map((value) => ({ value: Buffer.from(value), answer: answer.faulty })));
  return [batch, values.map((_, row) => ({ row, fault }))];
}

test('segment, then rows, then letters', async () => {
  await keepAll(quarantineWith(), ...rejectsOf('{"a":1}', '{"a":2}'));
  expect(story).toEqual(['segment raw-events', 'rows 2', 'letters 2']);
});

test('rejects of several batches share a load', async () => {
  const quarantine = quarantineWith();
  await Promise.all([keepAll(quarantine, ...rejectsOf('{"a":1}')), keepAll(quarantine, ...rejectsOf('{"a":2}', '{"a":3}'))]);
  expect(story).toEqual(['segment raw-events', 'rows 3', 'letters 3']);
});

test('behind the loads that are being written there is room for two more, and room again when one of those is taken', async () => {
  const puts: (() => void)[] = [];
  const put = () => new Promise<void>((resolve) => puts.push(resolve));
  const quarantine = quarantineWith({ put }, { loadMessagesMax: 1, loadsMax: 1 });
  const keep = () => keepAll(quarantine, ...rejectsOf('{"a":1}'));
  const kept = [keep(), keep()];
  expect(quarantine.hasRoom).toBe(true);
  kept.push(keep());
  expect(quarantine.hasRoom).toBe(false);
  puts.shift()?.();
  await quarantine.freed();
  expect(quarantine.hasRoom).toBe(true);
  const finishing = setInterval(() => puts.shift()?.(), 1);
  await Promise.all(kept);
  clearInterval(finishing);
});

test('what is copied needs its batch no more; behind two full loads it waits to be copied', async () => {
  const puts: (() => void)[] = [];
  const put = () => new Promise<void>((resolve) => puts.push(resolve));
  const quarantine = quarantineWith({ put }, { loadMessagesMax: 2, loadsMax: 1 });
  const [batch, rejects] = rejectsOf(...Array.from({ length: 7 }, (_, at) => `{"a":${at}}`));
  const { copied, kept } = quarantine.keep(batch, rejects);
  const isCopied = copied.then(() => true);
  const soon = new Promise<false>((resolve) => setImmediate(resolve, false));
  expect(await Promise.race([isCopied, soon])).toBe(false);
  puts.shift()?.();
  expect(await isCopied).toBe(true);
  batch.slab.bytes.fill(0);
  batch.slab.rows.fill(-1);
  batch.slab.reset();
  const finishing = setInterval(() => puts.shift()?.(), 1);
  await kept;
  clearInterval(finishing);
  expect(letters.map(({ value }) => /"a":\d/.exec(value)?.[0])).toEqual(Array.from({ length: 7 }, (_, at) => `"a":${at}`));
});

test('messages of a batch that is too much for a load are kept in several, and one that is larger than any in its own', async () => {
  const quarantine = quarantineWith({}, { loadBytesMax: 40, dlqBytesMax: 100_000 });
  await keepAll(quarantine, ...rejectsOf('{"a":1}', `{"a":"${'x'.repeat(90)}"}`, '{"a":2}', '{"a":3}'));
  expect(story.filter((line) => line.startsWith('rows'))).toEqual(['rows 1', 'rows 1', 'rows 2']);
  expect(letters.map(({ id }) => id)).toEqual(['0-0', '0-1', '0-2', '0-3']);
});

test('a load that fails for good is heard of while the rest of its batch waits to be copied, and nothing is begun behind it', async () => {
  let puts = 0;
  const put = () => {
    puts += 1;
    return puts === 1 ? Promise.reject(new DataQuarantineError('DQ_STORAGE_CORRUPT', 'not this one')) : new Promise<void>(() => {});
  };
  const quarantine = quarantineWith({ put }, { loadMessagesMax: 1, loadsMax: 2 });
  const [batch, rejects] = rejectsOf(...Array.from({ length: 9 }, (_, at) => `{"a":${at}}`));
  const { copied, kept } = quarantine.keep(batch, rejects);
  await expect(kept).rejects.toThrow('not this one');
  await expect(copied).rejects.toThrow('not this one');
  expect(puts).toBe(2);
});

test('while so many batches are being kept, no more is wanted', async () => {
  let free = () => {};
  const put = () => new Promise<void>((resolve) => void (free = resolve));
  const quarantine = quarantineWith({ put }, { batchesMax: 2 });
  const first = keepAll(quarantine, ...rejectsOf('{"a":1}'));
  expect(quarantine.hasRoom).toBe(true);
  const second = keepAll(quarantine, ...rejectsOf('{"a":2}'));
  expect(quarantine.hasRoom).toBe(false);
  const freed = quarantine.freed();
  const finishing = setInterval(() => free(), 1);
  await Promise.all([first, second, freed]);
  clearInterval(finishing);
  expect(quarantine.hasRoom).toBe(true);
});

test('what may pass is tried again, under the same key, and nothing goes further meanwhile', async () => {
  const keys: string[] = [];
  const put = async (key: string) => {
    keys.push(key);
    if (keys.length < 3) throw new DataQuarantineError('DQ_STORAGE_UNREACHABLE', 'away');
    story.push('segment');
  };
  await keepAll(quarantineWith({ put }), ...rejectsOf('{"a":1}'));
  expect(story).toEqual([
    'failed storage DQ_STORAGE_UNREACHABLE',
    'failed storage DQ_STORAGE_UNREACHABLE',
    'segment',
    'rows 1',
    'letters 1',
  ]);
  expect(new Set(keys).size).toBe(1);
});

test('what cannot pass fails the batch, and no letter is sent for it', async () => {
  const insert = async () => {
    throw new DataQuarantineError('DQ_RECORD_CONFLICT', 'another payload');
  };
  await expect(keepAll(quarantineWith({ insert }), ...rejectsOf('{"a":1}'))).rejects.toThrow('another payload');
  expect(letters).toEqual([]);
});

test('the letter of a repeat names what was stored first', async () => {
  const stored: StoredPlace = { storagePath: 'raw-events/old.seg#7+7', fingerprint: 'v1:first', quarantinedAt: 0 };
  await keepAll(quarantineWith({ insert: async () => new Map([['0-1', stored]]) }), ...rejectsOf('{"a":1}', '{"a":2}'));
  expect(letters.map(({ id, fingerprint }) => [id, fingerprint])).toEqual([
    ['0-0', 'v1:now'],
    ['0-1', 'v1:first'],
  ]);
  expect(letters[1]?.value).toContain('"storage_path":"raw-events/old.seg#7+7"');
});

test('a letter that is too large goes as a pointer, and bare where even that is too large', async () => {
  const tooLarge: Doubles['refuse'] = ({ key, value }) => (value?.length ?? 0) > 500 || key?.length === 300;
  const [batch, rejects] = rejectsOf('{"a":1}', `{"a":"${'x'.repeat(600)}"}`);
  await keepAll(quarantineWith({ refuse: tooLarge }), batch, rejects);
  expect(letters.map(({ value }) => value.startsWith('{"original_message":null,"original_message_base64":null'))).toEqual([false, true]);
  const keyed = buildBatch([{ value: Buffer.from('{"a":1}'), key: Buffer.alloc(300), answer: answer.faulty }]);
  letters = [];
  await keepAll(quarantineWith({ refuse: tooLarge }), keyed, [{ row: 0, fault }]);
  expect(letters).toHaveLength(1);
});

test('a value beyond the limit of the topic is not even tried whole', async () => {
  await keepAll(quarantineWith({}, { dlqBytesMax: 100 }), ...rejectsOf(`{"a":"${'x'.repeat(200)}"}`));
  expect(story.filter((line) => line.startsWith('letters'))).toEqual(['letters 1']);
  expect(letters[0]?.value).not.toContain('xxx');
});

test('letters go out in the order of their loads, whichever row is first', async () => {
  let free = () => {};
  const slow = new Promise<void>((resolve) => {
    free = resolve;
  });
  let calls = 0;
  const insert = async () => {
    calls += 1;
    if (calls === 1) await slow;
    else free();
    return new Map();
  };
  const quarantine = quarantineWith({ insert }, { loadMessagesMax: 1 });
  const one = buildBatch([{ offset: 1, value: Buffer.from('{"a":1}'), answer: answer.faulty }]);
  const two = buildBatch([{ offset: 2, value: Buffer.from('{"a":2}'), answer: answer.faulty }]);
  await Promise.all([keepAll(quarantine, one, [{ row: 0, fault }]), keepAll(quarantine, two, [{ row: 0, fault }])]);
  expect(letters.map(({ id }) => id)).toEqual(['0-1', '0-2']);
});

test('after an outage no load is larger than its limit, and every batch is kept exactly once', async () => {
  let free = () => {};
  const outage = new Promise<void>((resolve) => {
    free = resolve;
  });
  const sizes: number[] = [];
  const insert = async (rows: readonly StoredRow[]) => {
    sizes.push(rows.length);
    return new Map();
  };
  const put = async () => outage;
  const quarantine = quarantineWith({ put, insert }, { loadMessagesMax: 50, loadsMax: 2 });
  const kept: number[] = [];
  const keeping = Array.from({ length: 40 }).map((_batch, number) => {
    const batch = buildBatch(
      Array.from({ length: 20 }, (_message, at) => ({ offset: number * 20 + at, value: Buffer.from('{}'), answer: answer.faulty })),
    );
    const rejects = Array.from({ length: 20 }, (_reject, row) => ({ row, fault }));
    return keepAll(quarantine, batch, rejects).then(() => kept.push(number));
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(kept).toEqual([]);
  free();
  await Promise.all(keeping);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(50);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(800);
  expect(new Set(letters.map(({ id }) => id)).size).toBe(800);
  expect(kept).toHaveLength(40);
});

test('letters that fill many slabs, and one larger than any, go out in order and once each', async () => {
  const values = Array.from({ length: 5_000 }, (_, at) => (at === 2_500 ? `{"a":"${'x'.repeat(3 * 2 ** 20)}"}` : `{"a":${at}}`));
  const quarantine = quarantineWith({}, { dlqBytesMax: 10 * 2 ** 20, loadMessagesMax: 10_000, loadBytesMax: 16 * 2 ** 20 });
  await keepAll(quarantine, ...rejectsOf(...values));
  expect(letters.map(({ id }) => id)).toEqual(values.map((_, at) => `0-${at}`));
  expect(letters[2_500]?.value).toContain(values[2_500]);
  expect(story.filter((line) => line.startsWith('letters')).length).toBeGreaterThan(2);
});

const away = () => Promise.reject(new DataQuarantineError('DQ_POSTGRES_UNREACHABLE', 'away'));

/** A spool that keeps what it is given, unless it refuses. */
function spoolDouble(refusals = 0): { append(records: readonly Buffer[]): Promise<void>; records: Buffer[] } {
  const records: Buffer[] = [];
  let left = refusals;
  return {
    records,
    append: async (some) => {
      left -= 1;
      if (left >= 0) throw new DataQuarantineError('DQ_SPOOL_FULL', 'full');
      records.push(...some);
    },
  };
}

test('while a store is away, records go to the spool, and after the first nobody calls the store for them', async () => {
  const spool = spoolDouble();
  const quarantine = quarantineWith({ insert: away }, { spool });
  await keepAll(quarantine, ...rejectsOf('{"a":1}'));
  expect(story.at(-1)).toBe('spooled 1');
  story = [];
  await keepAll(quarantine, ...rejectsOf('{"a":2}', '{"a":3}'));
  expect(story).toEqual(['spooled 2']);
  expect(spool.records.map((record) => String(decodeSpooled(record).value))).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
  expect(letters).toEqual([]);
});

test('what was spooled goes the same way later: segment, row, letter', async () => {
  const spool = spoolDouble();
  let isAway = true;
  const insert = async () => (isAway ? away() : new Map<string, StoredPlace>());
  const quarantine = quarantineWith({ insert }, { spool });
  await keepAll(quarantine, ...rejectsOf('{"a":1}', '{"a":2}'));
  isAway = false;
  story = [];
  await quarantine.keepSpooled(spool.records.map(decodeSpooled));
  expect(story.filter((line) => !line.startsWith('failed'))).toEqual(['segment raw-events', 'letters 2']);
  expect(letters.map(({ id }) => id)).toEqual(['0-0', '0-1']);
});

test('where the spool refuses, records wait for whichever comes first: the spool', async () => {
  const spool = spoolDouble(2);
  await keepAll(quarantineWith({ insert: away }, { spool }), ...rejectsOf('{"a":1}'));
  const told = story.filter((line) => /refused|spooled/.test(line));
  expect(told).toEqual(['refused DQ_SPOOL_FULL', 'refused DQ_SPOOL_FULL', 'spooled 1', 'refused ones kept']);
  expect(spool.records).toHaveLength(1);
});

test('where the spool refuses, records wait for whichever comes first: the stores', async () => {
  let calls = 0;
  const insert = async () => {
    calls += 1;
    return calls < 6 ? away() : new Map<string, StoredPlace>();
  };
  const spool = spoolDouble(1_000);
  await keepAll(quarantineWith({ insert }, { spool }), ...rejectsOf('{"a":1}'));
  expect(story).not.toContain('spooled 1');
  expect(story).toContain('refused ones kept');
  expect([letters.map(({ id }) => id), spool.records]).toEqual([['0-0'], []]);
});

test('what cannot pass is not hidden in the spool', async () => {
  const spool = spoolDouble();
  const insert = () => Promise.reject(new DataQuarantineError('DQ_RECORD_CONFLICT', 'another payload'));
  await expect(keepAll(quarantineWith({ insert }, { spool }), ...rejectsOf('{"a":1}'))).rejects.toThrow('another payload');
  expect(spool.records).toEqual([]);
});

test('the spool counts as refusing until the last of the refused loads is kept', async () => {
  const spool = spoolDouble(3);
  const quarantine = quarantineWith({ insert: away }, { spool, loadMessagesMax: 1 });
  await Promise.all([keepAll(quarantine, ...rejectsOf('{"a":1}')), keepAll(quarantine, ...rejectsOf('{"a":2}'))]);
  expect(spool.records).toHaveLength(2);
  expect(story.filter((line) => line === 'refused ones kept')).toHaveLength(1);
  expect(story.at(-1)).toBe('refused ones kept');
});

test('a spool whose disk hangs is not waited for once the stores are back', async () => {
  let calls = 0;
  const insert = async () => {
    calls += 1;
    return calls < 5 ? away() : new Map<string, StoredPlace>();
  };
  const spool = { append: () => new Promise<void>(() => {}) };
  await keepAll(quarantineWith({ insert }, { spool, spoolMsMax: 10 }), ...rejectsOf('{"a":1}'));
  expect(story.filter((line) => !line.startsWith('failed') && !line.startsWith('segment'))).toEqual([
    'refused DQ_SPOOL_UNAVAILABLE',
    'refused ones kept',
    'letters 1',
  ]);
});
