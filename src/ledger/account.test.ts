import { expect, test } from 'vitest';
import type { Header } from '../model/header.ts';
import { Account, type ClosingOptions, type RowFinding } from './account.ts';
import type { LedgerRecord } from './digest.ts';

const closing: ClosingOptions = { namesMax: 100, deadLetters: false, retired: () => false, outOfReach: 0 };

function record(value: string | null, parts: Partial<LedgerRecord> = {}): LedgerRecord {
  return { key: Buffer.from('k'), value: value === null ? null : Buffer.from(value), headers: [], timestamp: 1_000, ...parts };
}

function header(name: string, value: string | null): Header {
  return { name, value: value === null ? null : Buffer.from(value) };
}

function originalHeaders(topic: string, partition: number, offset: number): Header[] {
  return [header('dq.original.topic', topic), header('dq.original.partition', `${partition}`), header('dq.original.offset', `${offset}`)];
}

/** An account of one partition, `raw/0`, with these source records at offsets 0, 1, 2 … */
function accountOf(...sources: readonly (LedgerRecord | readonly [LedgerRecord, RowFinding])[]): Account {
  const account = new Account({ compareTimestamps: true });
  account.startPartition('raw', 0);
  for (const [offset, source] of sources.entries()) {
    const [parts, row] = 'length' in source ? source : ([source, 'none'] as const);
    account.addSource({ ...parts, offset }, row);
  }
  return account;
}

function closed(account: Account, ...copies: readonly LedgerRecord[]) {
  for (const copy of copies) account.addCopy(copy, 0);
  return account.close(closing);
}

test('every record that arrived as it was is valid', () => {
  const { counts, unaccounted } = closed(accountOf(record('a'), record('b'), record(null)), record('b'), record(null), record('a'));
  expect(counts).toEqual({
    in: 3,
    valid: 2,
    quarantined: 0,
    remediated: 0,
    tombstones: 1,
    spooled: 0,
    duplicates: 0,
    out_of_reach: 0,
    reclassified: 0,
    unaccounted: 0,
  });
  expect(unaccounted).toEqual([]);
});

test('a record that is nowhere is named', () => {
  const { counts, unaccounted } = closed(accountOf(record('a'), record('b')), record('a'));
  expect(counts).toMatchObject({ in: 2, valid: 1, unaccounted: 1 });
  expect(unaccounted).toEqual([{ topic: 'raw', partition: 0, offset: 1, reason: 'missing' }]);
});

test('a record that waits in the spool needs neither a copy nor a dead letter', () => {
  const account = accountOf(record('a'), [record('b'), 'spooled'], [record('c'), 'spooled']);
  account.addCopy(record('a'), 0);
  account.addCopy(record('c'), 0);
  const { counts } = account.close({ ...closing, deadLetters: true });
  expect(counts).toMatchObject({ in: 3, valid: 1, spooled: 2, reclassified: 1, unaccounted: 0 });
});

test('two equal records need two copies, and a third copy is a duplicate', () => {
  expect(closed(accountOf(record('a'), record('a')), record('a')).counts).toMatchObject({ valid: 1, unaccounted: 1, duplicates: 0 });
  const whole = closed(accountOf(record('a'), record('a')), record('a'), record('a'), record('a'));
  expect(whole.counts).toMatchObject({ valid: 2, unaccounted: 0, duplicates: 1 });
});

const headed = record('a', { headers: [header('h', '1')] });

test.each([
  ['value', record('a'), record('A')],
  ['key', record('a'), record('a', { key: Buffer.from('other') })],
  ['key, null for empty', record('a', { key: Buffer.alloc(0) }), record('a', { key: null })],
  ['timestamp', record('a'), record('a', { timestamp: 1_001 })],
  ['header value', headed, record('a', { headers: [header('h', '2')] })],
  ['header name', headed, record('a', { headers: [header('H', '1')] })],
  ['header too few', headed, record('a')],
  ['header too many', headed, record('a', { headers: [header('h', '1'), header('h', '1')] })],
])('a copy with another %s is no copy', (_what, source, copy) => {
  expect(closed(accountOf(source), source).counts).toMatchObject({ valid: 1, unaccounted: 0 });
  expect(closed(accountOf(source), copy).counts).toMatchObject({ valid: 0, unaccounted: 1, duplicates: 0 });
});

test('the order of headers counts', () => {
  const [first, second] = [header('a', '1'), header('b', '2')];
  const source = record('v', { headers: [first, second] });
  expect(closed(accountOf(source), record('v', { headers: [second, first] })).counts.unaccounted).toBe(1);
  expect(closed(accountOf(source), record('v', { headers: [first, second] })).counts.unaccounted).toBe(0);
});

test('bytes cannot move between key, value and headers unnoticed', () => {
  const source = record('cd', { key: Buffer.from('ab') });
  expect(closed(accountOf(source), record('bcd', { key: Buffer.from('a') })).counts.unaccounted).toBe(1);
});

test('an empty value is not a tombstone', () => {
  expect(closed(accountOf(record(null)), record('')).counts).toMatchObject({ tombstones: 0, unaccounted: 1 });
});

test('a null header value is taken for an empty one', () => {
  const source = record('v', { headers: [header('h', null)] });
  expect(closed(accountOf(source), record('v', { headers: [header('h', '')] })).counts).toMatchObject({ valid: 1, unaccounted: 0 });
});

test('a keyless record may arrive with the key of its schema, one with a key may not lose it', () => {
  expect(closed(accountOf(record('v', { key: null })), record('v', { key: Buffer.from('u-1') })).counts.valid).toBe(1);
  expect(closed(accountOf(record('v', { key: null })), record('v', { key: null })).counts.valid).toBe(1);
  expect(closed(accountOf(record('v'), record('w', { key: null })), record('v', { key: null })).counts).toMatchObject({
    valid: 0,
    unaccounted: 2,
  });
});

test('a keyed copy goes to the keyed record first and then to its keyless like', () => {
  const sources = [record('v', { key: null }), record('v')];
  expect(closed(accountOf(...sources), record('v'), record('v')).counts).toMatchObject({ valid: 2, unaccounted: 0, duplicates: 0 });
  expect(closed(accountOf(...sources), record('v', { key: null }), record('v')).counts).toMatchObject({ valid: 2, unaccounted: 0 });
  expect(closed(accountOf(...sources), record('v'), record('v', { key: null })).counts).toMatchObject({ valid: 2, unaccounted: 0 });
});

test('a timestamp of 0 is not compared, because librdkafka sends the present time instead', () => {
  const source = record('v', { timestamp: 0 });
  expect(closed(accountOf(source), record('v', { timestamp: 1_763_000_000_000 })).counts.valid).toBe(1);
  expect(closed(accountOf(record('v', { timestamp: -1, key: null })), record('v', { timestamp: 5 })).counts.valid).toBe(1);
});

test('no timestamp is compared where the valid topic has its own', () => {
  const account = new Account({ compareTimestamps: false });
  account.startPartition('raw', 0);
  account.addSource({ ...record('v'), offset: 0 }, 'none');
  expect(closed(account, record('v', { timestamp: 2_000 })).counts.valid).toBe(1);
});

test('a record with a row is quarantined and needs no copy', () => {
  expect(closed(accountOf([record('bad'), 'kept'])).counts).toMatchObject({ in: 1, quarantined: 1, valid: 0, unaccounted: 0 });
});

test('a record with a row and a copy was judged otherwise on a later pass', () => {
  expect(closed(accountOf([record('v'), 'kept']), record('v')).counts).toMatchObject({ quarantined: 1, reclassified: 1, duplicates: 0 });
  expect(closed(accountOf([record('v'), 'kept'], record('v')), record('v')).counts).toMatchObject({
    quarantined: 1,
    valid: 1,
    reclassified: 0,
  });
  const both = closed(accountOf([record('v'), 'kept'], record('v')), record('v'), record('v'), record('v'));
  expect(both.counts).toMatchObject({ quarantined: 1, valid: 1, reclassified: 1, duplicates: 1 });
});

test('a row that holds another payload, or has lost it, accounts for nothing', () => {
  const { counts, unaccounted } = closed(accountOf([record('a'), 'payload_differs'], [record('b'), 'payload_lost']));
  expect(counts).toMatchObject({ in: 2, quarantined: 0, unaccounted: 2 });
  expect(unaccounted.map(({ reason }) => reason)).toEqual(['payload_differs', 'payload_lost']);
});

test('a replayed copy is left out', () => {
  const replayed = record('mended', { headers: [header('dq.replay.id', 'r-1')] });
  expect(closed(accountOf([record('bad'), 'kept']), replayed).counts).toMatchObject({ duplicates: 0, reclassified: 0, unaccounted: 0 });
});

test('a source record that carries a replay header itself is matched like any other', () => {
  const replayed = record('v', { headers: [header('dq.replay.id', 'r-1')] });
  expect(closed(accountOf(replayed), replayed).counts).toMatchObject({ valid: 1, unaccounted: 0 });
});

test('a remediated copy settles the record that its headers name', () => {
  const copy = record('mended', { headers: [header('dq.remediated', 'rule-1'), ...originalHeaders('raw', 0, 1)] });
  const { counts } = closed(accountOf(record('a'), record('mendable')), record('a'), copy);
  expect(counts).toMatchObject({ valid: 1, remediated: 1, unaccounted: 0 });
  expect(closed(accountOf(record('a'), record('mendable')), record('a'), copy, copy).counts).toMatchObject({
    remediated: 1,
    duplicates: 1,
  });
  const elsewhere = record('mended', { headers: [header('dq.remediated', 'rule-1'), ...originalHeaders('raw', 1, 1)] });
  expect(closed(accountOf(record('a'), record('mendable')), record('a'), elsewhere).counts).toMatchObject({
    remediated: 0,
    unaccounted: 1,
  });
});

test('a copy of something outside the range counts nowhere', () => {
  expect(closed(accountOf(record('a')), record('a'), record('of another time')).counts).toMatchObject({ in: 1, valid: 1, duplicates: 0 });
});

test('a copy that retention took makes its record out of reach, the oldest of equal ones first', () => {
  const account = accountOf(record('a', { timestamp: 10 }), record('b', { timestamp: 20 }), record('c', { timestamp: 30 }));
  account.addCopy(record('c', { timestamp: 30 }), 0);
  const { counts, unaccounted } = account.close({ ...closing, outOfReach: 5, retired: ({ timestamp }) => timestamp < 15 });
  expect(counts).toMatchObject({ in: 2, valid: 1, out_of_reach: 6, unaccounted: 1 });
  expect(unaccounted[0]?.offset).toBe(1);
});

test('with dead letters asked for, a row without one is unaccounted', () => {
  const account = accountOf([record('a'), 'kept'], [record('b'), 'kept']);
  account.addDeadLetter(originalHeaders('raw', 0, 0));
  account.addDeadLetter(originalHeaders('elsewhere', 0, 1));
  const { counts, unaccounted } = account.close({ ...closing, deadLetters: true });
  expect(counts).toMatchObject({ quarantined: 1, unaccounted: 1 });
  expect(unaccounted).toEqual([{ topic: 'raw', partition: 0, offset: 1, reason: 'dead_letter_missing' }]);
});

test('no more records are named than asked for, and all are counted, each in its partition', () => {
  const account = new Account({ compareTimestamps: true });
  for (const partition of [0, 1]) {
    account.startPartition('raw', partition);
    for (let offset = 0; offset < 2_000; offset++) account.addSource({ ...record(`${partition}/${offset}`), offset: offset * 2 }, 'none');
  }
  for (let offset = 0; offset < 2_000; offset++) account.addCopy(record(`0/${offset}`), 0);
  const { counts, unaccounted } = account.close({ ...closing, namesMax: 3 });
  expect(counts).toMatchObject({ in: 4_000, valid: 2_000, unaccounted: 2_000 });
  expect(unaccounted.map(({ partition, offset }) => [partition, offset])).toEqual([
    [1, 0],
    [1, 2],
    [1, 4],
  ]);
});

test('a copy behind that of a later record of its partition is out of order, and named', () => {
  const { counts, disordered } = closed(accountOf(record('a'), record('b'), record('c')), record('a'), record('c'), record('b'));
  expect(counts).toMatchObject({ valid: 3, unaccounted: 0 });
  expect(disordered).toEqual({ count: 1, first: [{ topic: 'raw', partition: 0, offset: 1 }] });
});

test('copies that come again after a crash are in order, whatever lies between them and the first', () => {
  const [a, b, c] = [record('a'), record('b'), record('c')];
  expect(closed(accountOf(a, b, c), a, b, a, b, c).disordered.count).toBe(0);
});

test('partitions of source and target have an order of their own each, and equal records have none', () => {
  const [a, b] = [record('a'), record('b')];
  const account = accountOf(a, b);
  account.addCopy(b, 0);
  account.addCopy(a, 1);
  expect(account.close(closing).disordered.count).toBe(0);
  expect(closed(accountOf(a, b, a), a, a, b).disordered.count).toBe(0);
});
