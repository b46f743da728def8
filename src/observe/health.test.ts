import { expect, test } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import { Health, loopAgeMsMax } from './health.ts';

/** A clock that stands still until it is told to go on. */
function standingClock(): Clock & { pass(ms: number): void } {
  let nowMs = 1_000;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: async () => {},
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

test('an expected check that nobody reported keeps the service from being ready', () => {
  const health = new Health(['kafka', 'postgres']);
  health.ready('kafka');
  expect(health.isReady).toBe(false);
  expect(health.checks()).toEqual([
    { name: 'kafka', ready: true, reason: null },
    { name: 'postgres', ready: false, reason: 'not started yet' },
  ]);
  health.ready('postgres');
  expect(health.isReady).toBe(true);
});

test('a check that fails later takes readiness away and gives its reason', () => {
  const health = new Health(['kafka']);
  health.ready('kafka');
  health.notReady('kafka', 'no broker answers');
  expect(health.isReady).toBe(false);
  expect(health.checks()[0]?.reason).toBe('no broker answers');
});

test('a check can hold and still have something to say', () => {
  const health = new Health(['storage']);
  health.readyBut('storage', 'away; the spool takes over');
  expect([health.isReady, health.checks()]).toEqual([true, [{ name: 'storage', ready: true, reason: 'away; the spool takes over' }]]);
});

test('a loop is alive up to its limit and stuck beyond it', () => {
  const clock = standingClock();
  const health = new Health([], clock);
  const turn = health.watchLoop('consume');
  clock.pass(loopAgeMsMax);
  expect(health.isAlive).toBe(true);
  clock.pass(1);
  expect(health.isAlive).toBe(false);
  expect(health.loops()).toEqual([{ name: 'consume', ageMs: loopAgeMsMax + 1, alive: false }]);
  turn();
  expect(health.isAlive).toBe(true);
});

test('a loop that ended as it should does not count', () => {
  const clock = standingClock();
  const health = new Health([], clock);
  health.watchLoop('consume', 5);
  clock.pass(6);
  health.forgetLoop('consume');
  expect(health.isAlive).toBe(true);
});

test('from open to close the event loop is watched', () => {
  const health = new Health([]);
  health.open();
  expect(health.loops().map(({ name }) => name)).toEqual(['event loop']);
  health.close();
  expect(health.loops()).toEqual([]);
});
