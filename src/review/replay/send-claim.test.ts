import { expect, test } from 'vitest';
import type { Publication } from '../../drivers/kafka/lane.ts';
import { silentLog } from '../../observe/log.ts';
import type { PlanRecord } from '../../store/replay-plans.ts';
import { heldBack } from '../../store/replayed-records.ts';
import type { JudgedRecord } from './judged-record.ts';
import { sendClaim } from './send-claim.ts';

function recordOf(ordinal: number, key: string | null): JudgedRecord {
  const chain = key === null ? null : Buffer.from(key);
  const row = { ordinal, chain, partition: 0 } as PlanRecord;
  return {
    row,
    held: null,
    timestamp: ordinal,
    key: chain,
    value: Buffer.from(`${ordinal}`),
    headers: Buffer.alloc(0),
    partition: 0,
    chain,
  };
}

/** Sends records of these keys, null for none; gives what was published a round, and what became of each. */
async function send(
  keys: readonly (string | null)[],
  { overtakenAfter = 0, ordinal = -1, refused = -1, unreachableAfter = Number.POSITIVE_INFINITY, roundMs = 250 } = {},
) {
  const rounds: number[][] = [];
  let looks = 0;
  const publisher = {
    publish: async ({ slab, rows }: Publication) => {
      const ordinals = [...rows].map((row) => slab.offset(row));
      rounds.push(ordinals);
      return ordinals.flatMap((one, row) => (one === refused ? [{ row, reason: 'refused' as const, message: 'no' }] : []));
    },
  };
  const message = 'overtaken';
  const settled = await sendClaim(
    keys.map((key, index) => recordOf(index, key)),
    {
      topic: 'orders',
      publisher,
      mayGoOn: () => true,
      log: silentLog(),
      clock: { monotonic: () => rounds.length * roundMs },
      leaveOvertaken: async (records) => {
        looks++;
        if (rounds.length >= unreachableAfter) throw new Error('the broker is away');
        return records.map((one) => {
          const isOvertaken = rounds.length >= overtakenAfter && one.row.ordinal === ordinal;
          return isOvertaken ? { row: one.row, held: { forecast: 'superseded', message } } : one;
        });
      },
    },
  );
  return { rounds, looks, states: settled.toSorted((a, b) => a.ordinal - b.ordinal).map(({ state }) => state), settled };
}

test('records of one key go out one after another, all others at once', async () => {
  const { rounds, states } = await send(['a', 'a', null, 'b', null, 'a']);
  expect(rounds).toEqual([[0, 2, 3, 4], [1], [5]]);
  expect(states).toEqual(Array.from({ length: 6 }, () => 'published'));
});

test('a record that is overtaken while the one before it is sent stays behind, and holds nobody up', async () => {
  const { rounds, states } = await send(['a', 'a', 'a', 'b'], { overtakenAfter: 1, ordinal: 1 });
  expect(rounds).toEqual([[0, 3], [2]]);
  expect(states).toEqual(['published', 'left_out', 'published', 'published']);
});

test('where the target cannot be looked at any more, what was sent is told and nothing else goes out', async () => {
  const { rounds, settled } = await send(['a', 'a', 'a', 'a'], { unreachableAfter: 2 });
  expect(rounds).toEqual([[0], [1]]);
  expect(settled).toMatchObject([
    { ordinal: 0, state: 'published' },
    { ordinal: 1, state: 'published' },
  ]);
});

test('the target is looked at once each quarter of a second, however many rounds there are', async () => {
  const { rounds, looks } = await send(
    Array.from({ length: 501 }, () => 'a'),
    { roundMs: 10 },
  );
  expect([rounds.length, looks]).toEqual([501, 20]);
});

test('what follows a refused record of its key is held back', async () => {
  const { rounds, settled } = await send(['a', 'b', 'a', 'b'], { refused: 0 });
  expect(rounds).toEqual([[0, 1], [3]]);
  expect(settled.find(({ ordinal }) => ordinal === 2)).toMatchObject({ state: 'failed', message: heldBack, attempted: false });
});
