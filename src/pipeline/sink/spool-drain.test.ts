import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Spool, SpooledFile } from '../../drivers/spool/spool.ts';
import { systemClock } from '../../lib/clock.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { Fault } from '../../model/verdict.ts';
import { encodeSpooled } from '../../store/spooled-record.ts';
import { SpoolDrain, type SpoolDrainOptions } from './spool-drain.ts';

const record = (offset: number) =>
  encodeSpooled({
    id: `id-${offset}`,
    topic: 't',
    partition: 0,
    offset,
    timestamp: 0,
    key: null,
    value: Buffer.alloc(0),
    packedHeaders: Buffer.alloc(0),
    fault: {} as Fault,
    payloadSha256: hash('sha256', '', 'buffer'),
    quarantinedAt: 0,
  });

/** A spool of files with so many records each. */
function spoolOf(
  ...sizes: number[]
): Pick<Spool, 'isEmpty' | 'oldest' | 'remove' | 'adopt' | 'refuse'> & { removed: string[]; refused: number[] } {
  let offset = 0;
  const files: SpooledFile[] = sizes.map((size, number) => ({
    name: String(number),
    records: Array.from({ length: size }, () => record(offset++)),
  }));
  const removed: string[] = [];
  const refused: number[] = [];
  return {
    removed,
    refused,
    refuse: async (_, index) => {
      refused.push(index);
      return `${index}.refused`;
    },
    get isEmpty() {
      return files.length === 0;
    },
    oldest: async () => files[0] ?? null,
    remove: async ({ name }) => {
      removed.push(name);
      files.shift();
    },
    adopt: async () => {},
  };
}

/** Runs until the spool is empty; the offsets in the portions in which they were kept. */
async function drained(spool: ReturnType<typeof spoolOf>, options: Partial<SpoolDrainOptions> = {}): Promise<number[][]> {
  const portions: number[][] = [];
  const abandon = new AbortController();
  const drain = new SpoolDrain({
    spool,
    keep: async (records) => {
      portions.push(records.map(({ offset }) => offset));
    },
    clock: { ...systemClock, sleep: async () => (spool.isEmpty ? abandon.abort() : undefined) },
    recordsMax: 2,
    signal: abandon.signal,
    onDrained: () => {},
    onRefused: () => {},
    onTrouble: () => {},
    ...options,
  });
  await drain.run();
  return portions;
}

test('files are drained in order, in portions, and removed when all in them is kept', async () => {
  const spool = spoolOf(3, 0, 1);
  expect(await drained(spool)).toEqual([[0, 1], [2], [3]]);
  expect(spool.removed).toEqual(['0', '1', '2']);
});

test('a file is not removed while one of its records is not kept', async () => {
  const spool = spoolOf(3);
  const keep = async ([first]: readonly { offset: number }[]) => {
    if (first?.offset === 2) throw new DataQuarantineError('DQ_POSTGRES_REFUSED', 'no such table');
  };
  await expect(drained(spool, { keep })).rejects.toThrow('no such table');
  expect(spool.removed).toEqual([]);
});

test('a record that is refused for good is put aside, and all others are kept', async () => {
  const spool = spoolOf(5, 1);
  const kept: number[] = [];
  const places: string[] = [];
  const keep = async (records: readonly { offset: number }[]) => {
    if (records.some(({ offset }) => offset === 2 || offset === 4)) throw new DataQuarantineError('DQ_RECORD_CONFLICT', 'another payload');
    kept.push(...records.map(({ offset }) => offset));
  };
  await drained(spool, { keep, recordsMax: 5, onRefused: ({ code }, path) => places.push(`${code} ${path}`) });
  expect([kept, spool.refused, spool.removed]).toEqual([
    [0, 1, 3, 5],
    [2, 4],
    ['0', '1'],
  ]);
  expect(places).toEqual(['DQ_RECORD_CONFLICT 2.refused', 'DQ_RECORD_CONFLICT 4.refused']);
});

test('behind the signal no file is removed: by then it may be another process that holds it', async () => {
  const spool = spoolOf(1);
  const abandon = new AbortController();
  await drained(spool, { signal: abandon.signal, keep: async () => abandon.abort() });
  expect(spool.removed).toEqual([]);
});

test('a disk that cannot be read is trouble, not the end', async () => {
  const spool = spoolOf(1);
  const { oldest } = spool;
  const troubles: string[] = [];
  spool.oldest = async () => {
    if (troubles.length < 2) throw new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', 'EIO');
    return oldest();
  };
  expect(await drained(spool, { onTrouble: ({ code }) => troubles.push(code) })).toEqual([[0]]);
  expect(troubles).toEqual(['DQ_SPOOL_UNAVAILABLE', 'DQ_SPOOL_UNAVAILABLE']);
});

test('it rests as long as it worked, but not as long as it waited for the stores', async () => {
  const spool = spoolOf(4);
  let nowMs = 0;
  const rests: number[] = [];
  const abandon = new AbortController();
  const clock = {
    ...systemClock,
    monotonic: () => nowMs,
    sleep: async (ms: number) => {
      rests.push(ms);
      if (spool.isEmpty) abandon.abort();
    },
  };
  await drained(spool, { clock, signal: abandon.signal, keep: async () => void (nowMs += nowMs === 0 ? 60_000 : 40) });
  expect(rests.slice(0, 2)).toEqual([1_000, 40]);
});
