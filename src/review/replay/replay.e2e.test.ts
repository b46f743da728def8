import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Database } from '../../drivers/postgres/database.ts';
import { createDeferred } from '../../lib/deferred.ts';
import type { Caller } from '../../model/access.ts';
import { Conditions } from '../../store/record-selection.ts';
import { PlanStore } from '../../store/replay-plans.ts';
import { RunStore } from '../../store/replay-runs.ts';
import { deleteRecordsBefore } from '../../testing/raw-requests.ts';
import { type Desk, openDesk, operator, saleFault } from '../../testing/review-desk.ts';
import type { Replay, ReplayBody } from '../contract/replays.ts';
import type { ReplayRunner } from './runner.ts';

const nothingElse = async () => {};
const defaults: ReplayBody = { dry_run: false, include_superseded: false };

async function ended(desk: Desk, id: string): Promise<Replay> {
  for await (const plan of desk.plans.watchPlan(id, operator, new AbortController().signal))
    if (plan.finished_at || plan.state === 'paused') return plan;
  throw new Error('watching ended before the plan');
}

function good(id: number): string {
  return `{"id":${id},"amount":1.50}`;
}

test('records go out byte for byte, in order, once, with our headers in the place of infrastructure', async () => {
  const desk = await openDesk();
  const stays = Array.from({ length: 40 }, (_, number) => ({
    value: ` { "id" : ${number}, "amount" : 9007199254740993.10 , "note":"\\u00e4" } `,
    key: `key-${number % 3}`,
    partition: number % 3,
    timestamp: 1_700_000_000_000 + number,
    headers: [
      { name: 'trace', value: Buffer.from([0, 255]) },
      { name: 'correlation-id', value: Buffer.from('c-1') },
      { name: '__connect.errors.topic', value: Buffer.from('t') },
      { name: 'dq.replay.id', value: Buffer.from('an earlier one') },
    ],
  }));
  const ids = await desk.quarantine(stays);
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  expect(plan).toMatchObject({ state: 'planned', report: { selected: 40, forecast: { will_pass: 40, still_fails: 0 }, gap: null } });
  expect((await desk.published()).flat()).toEqual([]);
  desk.runner().start();
  await desk.plans.startPlan(plan.id, operator, nothingElse);
  expect(await desk.column('status', ids)).not.toContain('quarantined');
  const done = await ended(desk, plan.id);
  expect(done).toMatchObject({
    state: 'done',
    progress: { published: 40, failed: 0, remaining: 0 },
    summary: { published: 40, left_out: 0 },
  });
  const partitions = await desk.published();
  for (const [partition, records] of partitions.entries()) {
    const sent = stays.filter((stay) => stay.partition === partition);
    expect(records.map(({ value }) => value?.toString())).toEqual(sent.map(({ value }) => value));
    expect(records.map(({ timestamp }) => timestamp)).toEqual(sent.map(({ timestamp }) => timestamp));
    expect(records.map(({ key }) => key?.toString())).toEqual(sent.map(({ key }) => key));
  }
  const [first] = partitions[0] ?? [];
  expect(first?.headers.map(({ name, value }) => [name, value?.toString('latin1') ?? null])).toEqual([
    ['trace', '\0\xff'],
    ['correlation-id', 'c-1'],
    ['dq.replay.id', plan.id],
    ['dq.replay.attempt', '1'],
    ['dq.replay.of', ids[0]],
  ]);
  expect(new Set(await desk.column("status || ' ' || attempts", ids))).toEqual(new Set(['replayed 1']));
});

test('the dry run says of every record what would become of it, and publishes nothing', async () => {
  const desk = await openDesk({ validTopic: { partitions: 4, configs: { 'max.message.bytes': '2000' } } });
  const [pass, bad, large, erased, discarded, replayed, used] = await desk.quarantine([
    { value: good(1) },
    { value: '{"id":2,"amount":"x"}' },
    { value: `{"id":3,"amount":1,"note":"${'x'.repeat(3_000)}"}` },
    { value: good(4) },
    { value: good(5) },
    { value: good(6) },
    { value: good(7) },
  ]);
  await desk.database.withClient(async (client) => {
    await client.query("UPDATE quarantine_records SET status = 'erased' WHERE id = $1", [erased]);
    await client.query("UPDATE quarantine_records SET status = 'discarded' WHERE id = $1", [discarded]);
    await client.query("UPDATE quarantine_records SET status = 'replayed' WHERE id = $1", [replayed]);
    await client.query('UPDATE quarantine_records SET attempts = 3 WHERE id = $1', [used]);
  });
  const plan = await desk.plans.createPlan({ ...defaults, filter: {}, dry_run: true }, operator, nothingElse);
  expect(plan.report.forecast).toMatchObject({
    will_pass: 1,
    still_fails: 1,
    too_large: 1,
    erased: 1,
    discarded: 1,
    already_replayed: 1,
    attempts_used: 1,
    superseded: 0,
  });
  expect(plan.report.examples).toContainEqual({ id: bad, forecast: 'still_fails', message: expect.stringContaining('number') as string });
  expect(plan.report.examples.map(({ id }) => id)).not.toContain(pass);
  expect(plan.report.examples.find(({ id }) => id === large)?.message).toContain('2000');
  await expect(desk.plans.startPlan(plan.id, operator, nothingElse)).rejects.toMatchObject({ statusCode: 409 });
  expect((await desk.published()).flat()).toEqual([]);
});

test('a record that a newer message of its key has overtaken is left out, unless it is asked for', async () => {
  const desk = await openDesk();
  const [newer] = await desk.quarantine([{ value: good(9), key: 'k', timestamp: 2_000 }]);
  desk.runner().start();
  const first = await desk.plans.createPlan({ ...defaults, ids: [newer as string] }, operator, nothingElse);
  await desk.plans.startPlan(first.id, operator, nothingElse);
  await ended(desk, first.id);
  const ids = await desk.quarantine([
    { value: good(1), key: 'k', timestamp: 1_000 },
    { value: good(2), key: 'other', timestamp: 1_000 },
    { value: good(3), key: 'k', timestamp: 3_000 },
  ]);
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  expect(plan.report.forecast).toMatchObject({ superseded: 1, will_pass: 2 });
  expect(plan.report.examples).toEqual([{ id: ids[0], forecast: 'superseded', message: `${desk.valid} has a newer message of its key` }]);
  const all = await desk.plans.createPlan({ ...defaults, ids, include_superseded: true }, operator, nothingElse);
  expect(all.report.forecast).toMatchObject({ superseded: 0, will_pass: 3 });
});

test('what a flood left in its source goes out from there byte for byte, and what is gone from there is left out', async () => {
  const desk = await openDesk();
  const headers = [{ name: 'trace', value: Buffer.from([0, 255]) }];
  const ids = await desk.leaveInSource([1, 2, 3].map((id) => ({ value: ` ${good(id)}`, key: 'k', partition: 2, timestamp: id, headers })));
  const [gone] = await desk.leaveInSource([{ value: good(4), partition: 2 }], { published: false });
  const other = await desk.leaveInSource([{ value: good(5), partition: 3 }]);
  await desk.database.withClient((client) =>
    client.query("UPDATE quarantine_records SET storage_path = 'kafka:no-such-topic/0/0' WHERE id = ANY($1)", [other]),
  );
  const plan = await desk.plans.createPlan({ ...defaults, filter: {} }, operator, nothingElse);
  expect(plan.report.forecast).toMatchObject({ will_pass: 3, unreadable: 2 });
  expect(plan.report.examples.find(({ id }) => id === gone)?.message).toContain('the source no longer holds it');
  desk.runner().start();
  await desk.plans.startPlan(plan.id, operator, nothingElse);
  expect(await ended(desk, plan.id)).toMatchObject({ state: 'done', progress: { published: 3 } });
  const [records = []] = (await desk.published()).slice(2);
  expect(records.map(({ key, value, timestamp }) => [String(key), String(value), timestamp])).toEqual(
    [1, 2, 3].map((id) => ['k', ` ${good(id)}`, id]),
  );
  expect(records[0]?.headers.slice(0, 1)).toEqual(headers);
  expect(await desk.column('status', ids)).toEqual(['replayed', 'replayed', 'replayed']);
});

test('a newer message that came after the plan was made overtakes its record all the same', async () => {
  const desk = await openDesk();
  const ids = await desk.quarantine([
    { value: good(1), key: 'k', timestamp: 1_000 },
    { value: good(2), key: 'k', timestamp: 3_000 },
    { value: good(3), key: 'other', timestamp: 1_000 },
  ]);
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  expect(plan.report.forecast).toMatchObject({ superseded: 0, will_pass: 3 });
  await desk.publish(desk.valid, [{ value: good(9), key: 'k', timestamp: 2_000 }]);
  desk.runner().start();
  await desk.plans.startPlan(plan.id, operator, nothingElse);
  expect(await ended(desk, plan.id)).toMatchObject({
    state: 'done',
    report: { forecast: { superseded: 1, will_pass: 2 } },
    progress: { published: 2, failed: 0, total: 2 },
    summary: { left_out: 1 },
  });
  expect(await desk.column("status || ' ' || attempts", ids)).toEqual(['quarantined 0', 'replayed 1', 'replayed 1']);
});

test('of two plans with records of one key, the second starts when the first has ended', async () => {
  const desk = await openDesk({ rate: 2 });
  const stays = Array.from({ length: 6 }, (_, number) => ({ value: good(number), key: number < 5 ? 'k' : 'other' }));
  const ids = await desk.quarantine(stays);
  const plan = async (some: string[]) => (await desk.plans.createPlan({ ...defaults, ids: some }, operator, nothingElse)).id;
  const [first, second, third] = [await plan(ids.slice(0, 3)), await plan(ids.slice(3, 5)), await plan(ids.slice(5))];
  const start = (id: string) => desk.plans.startPlan(id, operator, nothingElse);
  await Promise.allSettled([start(first), start(second)]);
  const states = await Promise.all([first, second].map(async (id) => (await desk.plans.getPlan(id, operator)).state));
  expect([...states].sort()).toEqual(['planned', 'running']);
  const [running, waiting] = states[0] === 'running' ? [first, second] : [second, first];
  await expect(start(waiting)).rejects.toMatchObject({ statusCode: 409, members: { waits_for: running } });
  expect(await start(third)).toMatchObject({ state: 'running' });
  await desk.plans.pausePlan(running, operator, nothingElse);
  await expect(start(waiting)).rejects.toMatchObject({ statusCode: 409, members: { waits_for: running } });
  await desk.plans.cancelPlan(running, operator, nothingElse);
  expect(await start(waiting)).toMatchObject({ state: 'running' });
});

test('a plan and what else its transaction does are there together or not at all', async () => {
  const desk = await openDesk();
  const ids = await desk.quarantine([{ value: good(1) }]);
  const fails = () => Promise.reject(new Error('no entry'));
  await expect(desk.plans.createPlan({ ...defaults, ids }, operator, fails)).rejects.toThrow('no entry');
  expect(await desk.plans.listPlans({ after: null, limit: 10 }, operator)).toEqual({ items: [], next: null });
});

test('a plan whose maker ended in the middle goes, one that is being made stays', async () => {
  const desk = await openDesk();
  const store = new PlanStore(desk.database);
  const plan = {
    dryRun: false,
    target: desk.valid,
    rate: null,
    schemaVersion: null,
    includeSuperseded: false,
    note: null,
    selection: {},
    by: 'x',
  };
  const make = async (makingMs: number) => {
    const id = randomUUID();
    await store.create({ ...plan, id }, { select: (values) => new Conditions(values), recordsMax: 10, attemptsMax: 3, makingMs });
    return id;
  };
  const [left, held] = [await make(-1), await make(60_000)];
  expect([await desk.plans.finishOne(), await desk.plans.finishOne()]).toEqual([true, false]);
  expect([await store.get(left), (await store.get(held))?.id]).toEqual([null, held]);
});

test('a plan of nothing is seen by its maker and by those who may see all topics', async () => {
  const desk = await openDesk();
  const maker: Caller = { ...operator, name: 'sam', topicPrefixes: ['other-'] };
  const { id } = await desk.plans.createPlan({ ...defaults, filter: {} }, maker, nothingElse);
  const seen = async (caller: Caller) => (await desk.plans.listPlans({ after: null, limit: 10 }, caller)).items.map((one) => one.id);
  expect([await seen(maker), await seen(operator), await seen({ ...maker, name: 'tom' })]).toEqual([[id], [id], []]);
});

test('a plan stops by itself at the canary when the schema has changed meanwhile, and goes on when it is mended', async () => {
  const desk = await openDesk();
  const ids = await desk.quarantine(Array.from({ length: 30 }, (_, number) => ({ value: good(number), key: `k${number}` })));
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  const judge = desk.checker.check.bind(desk.checker);
  let isStrict = true;
  desk.checker.check = async (messages) => {
    const checked = await judge(messages);
    return isStrict ? checked.map((one) => ({ ...one, fault: { ...saleFault, error_message: 'expected more' } })) : checked;
  };
  desk.runner().start();
  await desk.plans.startPlan(plan.id, operator, nothingElse);
  const paused = await ended(desk, plan.id);
  expect(paused).toMatchObject({
    state: 'paused',
    reason: 'stopped by itself: 1 of 1 records failed again',
    progress: { failed: 1, published: 0, remaining: 29, stage: 10 },
  });
  expect(await desk.column('status', ids.slice(0, 2))).toEqual(['quarantined', 'replaying']);
  isStrict = false;
  await desk.plans.startPlan(plan.id, operator, nothingElse);
  expect(await ended(desk, plan.id)).toMatchObject({ state: 'done', progress: { failed: 1, published: 29 } });
});

test('a cancelled plan gives its records back, and what went out stays out', async () => {
  const desk = await openDesk({ rate: 2 });
  const ids = await desk.quarantine(Array.from({ length: 20 }, (_, number) => ({ value: good(number), key: `k${number}` })));
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  desk.runner().start();
  await desk.plans.startPlan(plan.id, operator, nothingElse);
  for await (const now of desk.plans.watchPlan(plan.id, operator, new AbortController().signal)) if (now.progress.published > 0) break;
  await desk.plans.cancelPlan(plan.id, operator, nothingElse);
  await expect(desk.plans.cancelPlan(plan.id, operator, nothingElse)).rejects.toMatchObject({ statusCode: 409 });
  await expect.poll(async () => desk.column('status', ids), { timeout: 60_000 }).not.toContain('replaying');
  const statuses = await desk.column('status', ids);
  const out = (await desk.published()).flat().length;
  expect(out).toBeGreaterThan(0);
  expect(statuses.filter((status) => status === 'replayed')).toHaveLength(out);
  expect(statuses.filter((status) => status === 'quarantined')).toHaveLength(20 - out);
});

test('what was changed after the plan was made is left out at the start', async () => {
  const desk = await openDesk();
  const ids = await desk.quarantine([{ value: good(1) }, { value: good(2) }]);
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  await desk.database.withClient((client) => client.query('UPDATE quarantine_records SET version = version + 1 WHERE id = $1', [ids[0]]));
  desk.runner().start();
  await desk.plans.startPlan(plan.id, operator, nothingElse);
  const done = await ended(desk, plan.id);
  expect(done).toMatchObject({ state: 'done', report: { forecast: { changed: 1, will_pass: 1 } }, progress: { published: 1, total: 1 } });
  expect(await desk.column('status', ids)).toEqual(['quarantined', 'replayed']);
});

test('who made a plan of many records cannot start it alone, and who may not see its topics cannot see it', async () => {
  const desk = await openDesk({ secondPersonOver: 1 });
  const ids = await desk.quarantine([{ value: good(1) }, { value: good(2) }]);
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  expect(plan.needs_second_person).toBe(true);
  await expect(desk.plans.startPlan(plan.id, operator, nothingElse)).rejects.toMatchObject({ statusCode: 403 });
  const stranger: Caller = { ...operator, name: 'sam', topicPrefixes: ['other-'] };
  await expect(desk.plans.getPlan(plan.id, stranger)).rejects.toMatchObject({ statusCode: 404 });
  expect(await desk.plans.startPlan(plan.id, { ...operator, name: 'petra' }, nothingElse)).toMatchObject({
    state: 'running',
    started_by: 'petra',
  });
});

test('targets are the allowed ones only', async () => {
  const desk = await openDesk();
  await expect(desk.plans.createPlan({ ...defaults, filter: {}, target: desk.source }, operator, nothingElse)).rejects.toMatchObject({
    statusCode: 422,
  });
});

/** A worker that is killed after it has sent and before it has marked: it neither renews nor settles any more. */
class KilledStore extends RunStore {
  readonly killed = createDeferred();
  #settles = 0;
  readonly #after: number;

  constructor(database: Database, after: number) {
    super(database);
    this.#after = after;
  }

  override async settle(...args: Parameters<RunStore['settle']>): ReturnType<RunStore['settle']> {
    if (this.#settles++ < this.#after) return super.settle(...args);
    this.killed.resolve();
    return new Promise(() => {});
  }

  override async renew(...args: Parameters<RunStore['renew']>): Promise<boolean> {
    return this.#settles > this.#after ? new Promise(() => {}) : super.renew(...args);
  }
}

/** Works on a plan until the worker is killed with its second claim; gives the worker that takes over. The first claim has one record. */
async function killWithSecond(desk: Desk, planId: string): Promise<ReplayRunner> {
  const runs = new KilledStore(desk.database, 1);
  const first = desk.runner({ runs, leaseMs: 2_000 });
  await desk.plans.startPlan(planId, operator, nothingElse);
  while (await Promise.race([first.step(), runs.killed.promise.then(() => false)]));
  await runs.killed.promise;
  return desk.runner({ leaseMs: 2_000, pollMs: 50 });
}

test('what a killed worker had left out as overtaken is not taken for sent because a later record of its key was', async () => {
  const desk = await openDesk();
  const ids = await desk.quarantine([
    { value: good(1), key: 'other', timestamp: 1_000 },
    { value: good(2), key: 'k', timestamp: 1_000 },
    { value: good(3), key: 'k', timestamp: 3_000 },
  ]);
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  await desk.publish(desk.valid, [{ value: good(9), key: 'k', timestamp: 2_000 }]);
  (await killWithSecond(desk, plan.id)).start();
  expect(await ended(desk, plan.id)).toMatchObject({ state: 'done', progress: { published: 2, failed: 0 }, summary: { left_out: 1 } });
  expect(await desk.column("status || ' ' || attempts", ids)).toEqual(['replayed 1', 'quarantined 0', 'replayed 1']);
});

test('what a killed worker sent and retention has taken by then is not sent again behind a later record of its key', async () => {
  const desk = await openDesk();
  const ids = await desk.quarantine([
    { value: good(1), key: 'other' },
    { value: good(2), key: 'k' },
    { value: good(3), key: 'k' },
  ]);
  const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
  const second = await killWithSecond(desk, plan.id);
  await deleteRecordsBefore({ topic: desk.valid, partition: 0 }, 2);
  second.start();
  expect(await ended(desk, plan.id)).toMatchObject({ state: 'done', progress: { published: 3, failed: 0 }, summary: { left_out: 0 } });
  expect((await desk.published()).flat().map(({ value }) => String(value))).toEqual([good(3)]);
});

test.each([0, 2])(
  'what a worker sent and did not mark is found in the topic and not sent again (killed after %i claims)',
  async (after) => {
    const desk = await openDesk();
    const ids = await desk.quarantine(
      Array.from({ length: 150 }, (_, number) => ({ value: good(number), key: `k${number % 7}`, partition: number % 4 })),
    );
    const plan = await desk.plans.createPlan({ ...defaults, ids }, operator, nothingElse);
    const runs = new KilledStore(desk.database, after);
    const first = desk.runner({ runs, leaseMs: 2_000 });
    await desk.plans.startPlan(plan.id, operator, nothingElse);
    const steps = (async () => {
      while (await Promise.race([first.step(), runs.killed.promise.then(() => false)]));
    })();
    await runs.killed.promise;
    await steps;
    desk.runner({ leaseMs: 2_000, pollMs: 50 }).start();
    expect(await ended(desk, plan.id)).toMatchObject({ state: 'done', progress: { published: 150, failed: 0 } });
    const partitions = await desk.published();
    expect(partitions.flat()).toHaveLength(150);
    for (const records of partitions) {
      const numbers = records.map(({ value }) => (JSON.parse(value?.toString() ?? '') as { id: number }).id);
      for (const key of [0, 1, 2, 3, 4, 5, 6]) {
        const ofKey = numbers.filter((number) => number % 7 === key);
        expect(ofKey).toEqual([...ofKey].sort((one, other) => one - other));
      }
    }
    expect(new Set(await desk.column("status || ' ' || attempts", ids))).toEqual(new Set(['replayed 1']));
  },
);
