import { expect, test } from 'vitest';
import type { Judged, Watermark } from '../model/delivery.ts';
import { answer } from '../model/slab.ts';
import { buildBatch } from '../testing/build-batch.ts';
import { admit } from './admit.ts';
import { Committer } from './commit/committer.ts';
import { Flood } from './flood/flood.ts';

const fault = { fingerprint: 'x' } as Judged['rejects'][number]['fault'];

function stage() {
  const stored: Watermark[] = [];
  const committer = new Committer({ storeOffsets: (moved) => stored.push(...moved), commitStored: () => {} });
  committer.assign('raw-events', 0, 1);
  committer.assign('raw-events', 1, 2);
  const flood = new Flood({
    topics: ['raw-events'],
    rulesOf: () => ({ action: 'pause', share: 1, causeShare: 1, window: 100, consecutive: 2, sampleCount: 0 }),
    mayPoint: () => false,
    onTrip: () => {},
    onPointers: () => {},
  });
  const pass = (messages: { offset: number; partition?: number; bad?: boolean }[]) => {
    const batch = buildBatch(
      messages.map(({ offset, partition = 0, bad }) => ({
        offset,
        partition,
        epoch: partition + 1,
        answer: bad ? answer.faulty : answer.valid,
      })),
    );
    committer.track(batch);
    const rejects = messages.flatMap(({ bad }, row) => (bad ? [{ row, fault }] : []));
    return { batch, judged: () => admit(batch, { rejects, keys: new Map() }, { flood, committer }) };
  };
  return { committer, flood, pass, stored };
}

test('the batch that trips the breaker is withheld whole, and so is what was consumed behind it', () => {
  const { committer, flood, pass, stored } = stage();
  const before = pass([{ offset: 0 }, { offset: 0, partition: 1 }]);
  const tripping = pass([{ offset: 1 }, { offset: 2, bad: true }, { offset: 3, bad: true }]);
  const behind = pass([{ offset: 4 }, { offset: 1, partition: 1 }]);
  for (const { judged } of [before, tripping, behind]) expect(judged().rejects).toEqual([]);
  expect(flood.isHeld('raw-events')).toBe(true);
  expect([...tripping.batch.slab.answers.subarray(0, 3)]).toEqual([answer.withheld, answer.withheld, answer.withheld]);
  for (const { batch } of [before, tripping, behind]) committer.settle(batch);
  expect(stored).toEqual([
    { topic: 'raw-events', partition: 0, epoch: 1, offsetNext: 1 },
    { topic: 'raw-events', partition: 1, epoch: 2, offsetNext: 1 },
  ]);
  expect([committer.withheldFrom('raw-events', 0), committer.withheldFrom('raw-events', 1)]).toEqual([1, 1]);
  expect(committer.isOpen([{ topic: 'raw-events', partition: 0 }])).toBe(false);
});

test('what is behind a withheld message stays withheld after the breaker was lifted, until its partition is read again', () => {
  const { committer, flood, pass } = stage();
  const tripping = pass([
    { offset: 2, bad: true },
    { offset: 3, bad: true },
  ]);
  const behind = pass([{ offset: 4 }, { offset: 0, partition: 1 }]);
  tripping.judged();
  flood.of('raw-events')?.lifted();
  behind.judged();
  expect([...behind.batch.slab.answers.subarray(0, 2)]).toEqual([answer.withheld, answer.valid]);
  expect(committer.hasWithheld('raw-events')).toBe(true);
  committer.assign('raw-events', 0, 3);
  expect(committer.hasWithheld('raw-events')).toBe(false);
});

test('what a lost epoch brings is not counted: its next owner counts it', () => {
  const { committer, flood, pass } = stage();
  const late = pass([
    { offset: 2, bad: true },
    { offset: 3, bad: true },
  ]);
  committer.release('raw-events', 0);
  late.judged();
  expect(flood.isHeld('raw-events')).toBe(false);
});
