import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OffsetTracker } from './offset-tracker.ts';

test('the watermark waits for the slower claim', () => {
  const tracker = new OffsetTracker();
  const first = tracker.track(10);
  const second = tracker.track(20);
  expect(second()).toBeNull();
  expect(first()).toBe(20);
  expect(tracker.open).toBe(0);
});

test('gaps between offsets are legal', () => {
  const tracker = new OffsetTracker();
  const first = tracker.track(1);
  const second = tracker.track(1_000_000);
  expect(first()).toBe(1);
  expect(second()).toBe(1_000_000);
});

test('a claim is settled once, and one whose offset goes back says that the log was cut', () => {
  const tracker = new OffsetTracker();
  const settle = tracker.track(5);
  settle();
  expect(settle).toThrow('settled twice');
  expect(() => tracker.track(5)).toThrow(expect.objectContaining({ code: 'DQ_KAFKA_LOG_TRUNCATED' }));
});

/** The model: all claims in order, each with whether it is settled. */
interface Model {
  claims: { offsetNext: number; settled: boolean }[];
}

interface Real {
  tracker: OffsetTracker;
  settles: (() => number | null)[];
  committed: number;
}

class Track implements fc.Command<Model, Real> {
  readonly gap: number;
  constructor(gap: number) {
    this.gap = gap;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const offsetNext = (model.claims.at(-1)?.offsetNext ?? 0) + this.gap;
    model.claims.push({ offsetNext, settled: false });
    real.settles.push(real.tracker.track(offsetNext));
  }
  toString = () => `track(+${this.gap})`;
}

class SettleOne implements fc.Command<Model, Real> {
  readonly pick: number;
  constructor(pick: number) {
    this.pick = pick;
  }
  check = (model: Model) => model.claims.some(({ settled }) => !settled);
  run(model: Model, real: Real): void {
    const open = model.claims.flatMap(({ settled }, index) => (settled ? [] : [index]));
    const index = open[this.pick % open.length] as number;
    (model.claims[index] as { settled: boolean }).settled = true;
    const moved = real.settles[index]?.() ?? null;
    const firstOpen = model.claims.findIndex(({ settled }) => !settled);
    const settledHead = firstOpen < 0 ? model.claims.length : firstOpen;
    const expected = model.claims[settledHead - 1]?.offsetNext ?? 0;
    if (moved !== null) {
      expect(moved).toBeGreaterThan(real.committed);
      real.committed = moved;
    }
    expect(real.committed).toBe(expected);
    expect(real.tracker.open).toBe(model.claims.length - settledHead);
  }
  toString = () => `settle(${this.pick})`;
}

test('whatever the order of settling, the watermark is the end of the settled head and never goes back', () => {
  const commands = [fc.integer({ min: 1, max: 1_000 }).map((gap) => new Track(gap)), fc.nat(500).map((pick) => new SettleOne(pick))];
  fc.assert(
    fc.property(fc.commands(commands, { maxCommands: 400, size: '+1' }), (program) => {
      fc.modelRun(() => ({ model: { claims: [] }, real: { tracker: new OffsetTracker(), settles: [], committed: 0 } }), program);
    }),
    { numRuns: 300 },
  );
});
