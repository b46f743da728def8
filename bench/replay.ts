import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from './child.ts';
import { eventOf } from './events.ts';
import { say } from './run.ts';
import { type Stage, schemasOfClone } from './stage.ts';
import { isMessage, openService } from './throughput.ts';

/** How long it takes to mend all records of one cause and to publish them again. */
export interface ReplayRun {
  readonly records: number;
  readonly repairSeconds: number;
  /** The plan with its dry run. */
  readonly planSeconds: number;
  readonly replaySeconds: number;
  readonly lost: number;
  readonly doubled: number;
  /** Behind a later one of their key. */
  readonly reordered: number;
}

type Call = (path: string, body?: unknown) => Promise<Record<string, unknown>>;

/** A multiple of the partitions: a key is in one of them alone. */
const keys = 496;
const lookMsInterval = 200;
const [good, bad] = ['"event_type":"click"', '"event_type":"clack"'];
const rules = [{ name: 'clack', do: 'map', field: '/event_type', values: { clack: 'click' } }];

export async function measureReplay(stage: Stage, records: number): Promise<ReplayRun> {
  say(`repair and replay of ${records.toLocaleString('en')} records of one cause`);
  const mended = Array.from({ length: records }, (_, number) => eventOf(number, 0).value.toString());
  const event = (number: number) => ({
    key: Buffer.from(`key-${number % keys}`),
    value: Buffer.from((mended[number] as string).replace(good, bad)),
  });
  return stage.withSource({ messages: records, bad: records, event }, ({ topic, partitions }) =>
    stage.withRunDatabase((database) =>
      stage.withTargets(partitions, async (targets) => {
        const run = { topic, targets, group: stage.freshGroup(), database, schemasDir: schemasOfClone };
        const service = openService(stage, run);
        try {
          const times = await Promise.race([mendAndReplay(await callOf(service), records), service.failed()]);
          await service.stop();
          return { records, ...times, ...(await heldAgainst(stage, targets.valid, mended)) };
        } finally {
          await service.kill();
        }
      }),
    ),
  );
}

async function mendAndReplay(call: Call, records: number) {
  const fingerprint = await causeOf(call, records);
  const [repairSeconds] = await timed(() => call(`/groups/${encodeURIComponent(fingerprint)}/edits`, { rules, dry_run: false }));
  const [planSeconds, plan] = await timed(() => call('/replays', { filter: { fingerprint } }));
  const [replaySeconds] = await timed(async () => {
    await call(`/replays/${String(plan['id'])}/start`, {});
    while ((await call(`/replays/${String(plan['id'])}`))['finished_at'] === null) await pause(lookMsInterval);
  });
  return { repairSeconds, planSeconds, replaySeconds };
}

/** The fingerprint of the one cause, once all its records are there. */
async function causeOf(call: Call, records: number): Promise<string> {
  for (;;) {
    const { items } = (await call('/groups')) as { items: { fingerprint: string; count: number }[] };
    const [cause] = items;
    if (cause?.count === records) return cause.fingerprint;
    await pause(lookMsInterval);
  }
}

async function timed<T>(work: () => Promise<T>): Promise<[seconds: number, result: T]> {
  const startedMs = performance.now();
  const result = await work();
  return [(performance.now() - startedMs) / 1_000, result];
}

async function callOf(service: Child): Promise<Call> {
  const { address } = await service.line(isMessage('started'));
  return async (path, body) => {
    const response = await fetch(`${String(address)}/api/v1${path}`, {
      ...(body !== undefined && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
}

/** What the topic holds against what it should: every mended text once, and those of one key in their order. */
async function heldAgainst(stage: Stage, topic: string, mended: readonly string[]) {
  const numberOf = new Map(mended.map((text, number) => [text, number]));
  const times = new Map<number, number>();
  const last = new Map<string, number>();
  let reordered = 0;
  for (const [partition, to] of (await stage.wire.ends(topic)).entries()) {
    await stage.wire.read({ topic, partition, from: 0, to }, (found) => {
      for (const { key, value } of found) {
        const number = numberOf.get(value?.toString() ?? '');
        if (number === undefined) throw new Error(`${topic}/${partition} holds something that was never mended`);
        times.set(number, (times.get(number) ?? 0) + 1);
        const name = key?.toString() ?? '';
        if (number < (last.get(name) ?? -1)) reordered += 1;
        last.set(name, number);
      }
    });
  }
  const doubled = [...times.values()].reduce((sum, one) => sum + one - 1, 0);
  return { lost: mended.length - times.size, doubled, reordered };
}
