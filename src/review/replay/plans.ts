import { createHash, randomUUID } from 'node:crypto';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { Wire } from '../../drivers/kafka-wire/wire.ts';
import type { Database, DatabaseClient } from '../../drivers/postgres/database.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Caller } from '../../model/access.ts';
import { type Conditions, selectionConditions } from '../../store/record-selection.ts';
import { type Also, type Origin, type PlanCount, type PlanRow, PlanStore, type Selector } from '../../store/replay-plans.ts';
import { type Overlap, RunStore } from '../../store/replay-runs.ts';
import { signingKey } from '../../store/signing-keys.ts';
import type { RecordFilter } from '../contract/records.ts';
import type { Replay, ReplayBody } from '../contract/replays.ts';
import { describePlan } from './describe-plan.ts';
import { foresee } from './foresee.ts';
import { attemptsMax, type JudgeRecordsOptions } from './judged-record.ts';
import { Lease } from './lease.ts';
import { selectionOf } from './selection-of.ts';
import { newSigningKey, type SummaryFacts, signSummary } from './summary.ts';
import { describeTarget } from './target.ts';

export interface ReplayPlansOptions extends JudgeRecordsOptions {
  readonly database: Database;
  readonly openWire: () => Promise<Wire>;
  /** Where plans may publish. */
  readonly targets: readonly string[];
  /** Messages a second unless a plan names another rate; null for no limit. */
  readonly rate: number | null;
  /** A plan of more records needs a second person to start it; null: none does. */
  readonly secondPersonOver: number | null;
  readonly isCompressing: boolean;
  /** Told that a plan has something to send. */
  readonly onStarted: () => void;
  readonly clock?: Clock;
}

/** What a plan is as it becomes whole. */
export interface MadePlan {
  readonly id: string;
  readonly target: string;
  readonly setSha256: Buffer;
  readonly counts: readonly PlanCount[];
}

export type AlsoOfPlan = (client: DatabaseClient, plan: MadePlan) => Promise<void>;

/** Larger sets are made into several plans. */
const recordsMax = 100_000;
const pageRows = 5_000;
const newcomersMax = 1_000;
const watchMs = 300;
const makingMs = 60_000;

/** Plans of replay: made, looked at, started, stopped. The sending is the runner's. */
export class ReplayPlans {
  readonly #options: ReplayPlansOptions;
  readonly #store: PlanStore;
  readonly #runs: RunStore;

  constructor(options: ReplayPlansOptions) {
    this.#options = options;
    this.#store = new PlanStore(options.database);
    this.#runs = new RunStore(options.database);
  }

  /** Freezes the set and says what would become of each record. Nothing is published. `also` happens in the transaction that makes it whole. */
  async createPlan(body: ReplayBody, caller: Caller, also: AlsoOfPlan): Promise<Replay> {
    const target =
      body.target === undefined ? this.#targetOf(await this.#store.origins(selectorOf(body, caller), recordsMax)) : body.target;
    this.#allow(target, body.target === undefined);
    const id = randomUUID();
    const records = await this.#store.create(
      {
        id,
        dryRun: body.dry_run,
        target,
        rate: body.rate === undefined ? this.#options.rate : body.rate,
        schemaVersion: body.schema_version ?? null,
        includeSuperseded: body.include_superseded,
        note: body.note ?? null,
        selection: body.ids ? { ids: body.ids.length } : { filter: body.filter ?? {} },
        by: caller.name,
      },
      { select: selectorOf(body, caller), recordsMax, attemptsMax, makingMs },
    );
    if (records > recordsMax)
      throw new HttpRefusal(422, `The filter selects more than ${recordsMax} records. Narrow it, by time for example.`);
    const clock = this.#options.clock ?? systemClock;
    const lease = new Lease({ ms: makingMs, clock, renew: () => this.#store.hold(id, makingMs) });
    try {
      if (body.ids && records < new Set(body.ids).size)
        throw new HttpRefusal(422, `${new Set(body.ids).size - records} of the ids name no record.`);
      // More may have come in before the set was frozen.
      if (body.target === undefined && this.#targetOf(await this.#store.originsOf(id)) !== target)
        throw new HttpRefusal(409, 'Records of another origin came in meanwhile: name a target, or narrow the filter.');
      await this.#complete(id, { target, body, also });
    } catch (error) {
      await this.#store.drop(id);
      throw error;
    } finally {
      lease.end();
    }
    return this.getPlan(id, caller);
  }

  /** Records of ours go to the valid topic, dead letters of others to where they came from, unless a target is named. */
  #targetOf(origins: readonly Origin[]): string {
    const { targets, validTopic } = this.#options;
    const [first] = origins;
    const isClear = !first || (origins.length === 1 && (first.own || first.topic !== null));
    if (isClear) return first?.topic ?? validTopic;
    const from = origins.map(({ own, topic }) => (own ? 'our own pipeline' : (topic ?? 'topics that they do not name'))).join(', ');
    throw new HttpRefusal(422, `Name a target: these records came from ${from}. Allowed: ${targets.join(', ')} (replay.targets).`);
  }

  #allow(target: string, isOrigin: boolean): void {
    const { targets, validTopic } = this.#options;
    if (targets.includes(target)) return;
    const hint = isOrigin && target !== validTopic ? ' These dead letters came from there.' : '';
    throw new HttpRefusal(422, `Replays may not publish to "${target}".${hint} Allowed: ${targets.join(', ')} (replay.targets).`);
  }

  async getPlan(id: string, caller: Caller): Promise<Replay> {
    return this.#describe(await this.#find(id, caller), caller);
  }

  /** Newest first, from behind the plan `after`; `next` is where to go on. */
  async listPlans(page: { after: string | null; limit: number }, caller: Caller): Promise<{ items: Replay[]; next: string | null }> {
    const rows = await this.#store.list(page.after, page.limit + 1);
    const shown = rows.slice(0, page.limit);
    const items: Replay[] = [];
    for (const row of shown) if (await this.#maySee(row, caller)) items.push(await this.#describe(row, caller));
    return { items, next: rows.length > page.limit ? (shown.at(-1)?.id ?? null) : null };
  }

  async startPlan(id: string, caller: Caller, also: Also): Promise<Replay> {
    const plan = await this.#find(id, caller);
    if (plan.dryRun) throw new HttpRefusal(409, 'This plan is a dry run. Make it again without dry_run to replay its records.');
    if (plan.needsSecondPerson && plan.startedAt === null && plan.by === caller.name)
      throw new HttpRefusal(
        403,
        `A plan of more than ${this.#options.secondPersonOver} records must be started by somebody else than ${plan.by}.`,
      );
    const start = await this.#runs.start(id, caller.name, also);
    if (!start.started) throw start.before ? behind(start.before) : notIn(plan, 'planned or paused');
    this.#options.onStarted();
    return this.getPlan(id, caller);
  }

  async pausePlan(id: string, caller: Caller, also: Also): Promise<Replay> {
    const plan = await this.#find(id, caller);
    if (!(await this.#runs.pause(id, `paused by ${caller.name}`, also))) throw notIn(plan, 'running');
    return this.getPlan(id, caller);
  }

  async cancelPlan(id: string, caller: Caller, also: Also): Promise<Replay> {
    const plan = await this.#find(id, caller);
    if (!(await this.#runs.cancel(id, `cancelled by ${caller.name}`, also))) throw notIn(plan, 'planned, running or paused');
    return this.getPlan(id, caller);
  }

  /** The plan now and after every change, until it has ended. */
  async *watchPlan(id: string, caller: Caller, signal: AbortSignal): AsyncGenerator<Replay> {
    const clock = this.#options.clock ?? systemClock;
    let last = '';
    while (!signal.aborted) {
      const plan = await this.getPlan(id, caller);
      const text = JSON.stringify(plan);
      if (text !== last) yield plan;
      last = text;
      if (plan.finished_at !== null) return;
      await clock.sleep(watchMs, signal);
    }
  }

  /** Ends one plan that has nothing left to send, with its signed summary, or drops one that was left behind half made; false if there is none. */
  async finishOne(): Promise<boolean> {
    if (await this.#store.dropLeftBehind()) return true;
    const plan = await this.#runs.finished();
    if (!plan) return false;
    const { counts } = await this.#store.counts(plan.id);
    const sum = (state: string) => counts.reduce((total, one) => total + (one.state === state ? one.records : 0), 0);
    const [published, failed] = [sum('published'), sum('failed')];
    const state = published === 0 && failed > 0 ? 'failed' : 'done';
    const finishedAt = new Date((this.#options.clock ?? systemClock).now());
    const startedAt = plan.startedAt ?? plan.createdAt;
    const facts: SummaryFacts = {
      plan: plan.id,
      state,
      target: plan.target,
      set_sha256: plan.setSha256?.toString('hex') ?? '',
      selected: counts.reduce((total, { records }) => total + records, 0),
      published,
      failed,
      left_out: sum('left_out'),
      created_at: plan.createdAt.toISOString(),
      created_by: plan.by,
      started_at: startedAt.toISOString(),
      started_by: plan.startedBy ?? '',
      finished_at: finishedAt.toISOString(),
      seconds: Math.max(0, finishedAt.getTime() - startedAt.getTime()) / 1_000,
    };
    const key = await signingKey(this.#options.database, 'replay-summary', newSigningKey);
    const reason = state === 'failed' ? 'none of its records could be published' : null;
    await this.#runs.finish(plan.id, state, { reason, summary: signSummary(facts, key) });
    return true;
  }

  async #complete(id: string, { target, body, also }: { target: string; body: ReplayBody; also: AlsoOfPlan }): Promise<void> {
    const { openWire, isCompressing, secondPersonOver } = this.#options;
    const wire = await openWire();
    try {
      const judging = { planId: id, target: await describeTarget(wire, target, isCompressing), schemaVersion: body.schema_version ?? null };
      const looked = await foresee(judging, { ...this.#options, store: this.#store, wire, includeSuperseded: body.include_superseded });
      const { counts } = await this.#store.counts(id);
      const passing = counts.find(({ forecast }) => forecast === 'will_pass')?.records ?? 0;
      const needsSecondPerson = secondPersonOver !== null && passing > secondPersonOver;
      const setSha256 = await this.#hashOfSet(id);
      const isWhole = await this.#store.finish(id, { setSha256, needsSecondPerson, ...looked }, (client) =>
        also(client, { id, target, setSha256, counts }),
      );
      if (!isWhole) throw new HttpRefusal(503, 'Making the plan was interrupted for too long. Make it again.');
    } finally {
      await wire.close();
    }
  }

  /** Over a line for each record: its id, a blank, the hash of what would go out in hex. */
  async #hashOfSet(id: string): Promise<Buffer> {
    const digest = createHash('sha256');
    for (let after = 0; ; ) {
      const page = await this.#store.set(id, after, pageRows);
      for (const { recordId, payloadSha256 } of page) digest.update(`${recordId} ${payloadSha256.toString('hex')}\n`);
      if (page.length < pageRows) return digest.digest();
      after = page.at(-1)?.ordinal ?? after;
    }
  }

  async #find(id: string, caller: Caller): Promise<PlanRow> {
    const plan = await this.#store.get(id);
    if (!plan?.setSha256 || !(await this.#maySee(plan, caller))) throw new HttpRefusal(404, 'There is no replay of that id.');
    return plan;
  }

  async #maySee({ id, by }: PlanRow, { name, topicPrefixes }: Caller): Promise<boolean> {
    if (topicPrefixes.length === 0) return true;
    const topics = await this.#store.topics(id);
    // A plan of nothing shows no topic by which others could be told.
    if (topics.length === 0) return by === name;
    return topics.every((topic) => topicPrefixes.some((prefix) => topic.startsWith(prefix)));
  }

  async #describe(row: PlanRow, caller: Caller): Promise<Replay> {
    const { filter } = row.selection as { filter?: RecordFilter };
    const newSince = filter
      ? await this.#store.newcomers((values) => conditionsOf(filter, caller, values), row.createdAt, newcomersMax)
      : 0;
    return describePlan(row, { ...(await this.#store.counts(row.id)), examples: await this.#store.examples(row.id, 20), newSince });
  }
}

function behind({ id, state, keys }: Overlap): HttpRefusal {
  const wait = `The replay ${id} is ${state} and has records of ${keys} of the same keys to send. To keep their order, start this one when that has ended.`;
  return new HttpRefusal(409, wait, { state: 'planned', waits_for: id });
}

function notIn({ state }: PlanRow, wanted: string): HttpRefusal {
  return new HttpRefusal(409, `The replay is ${state}; this takes one that is ${wanted}.`, { state });
}

function selectorOf({ ids, filter }: ReplayBody, caller: Caller): Selector {
  return (values) => {
    const conditions = conditionsOf(filter ?? {}, caller, values);
    if (ids) conditions.add('id = ANY(?::uuid[])', ids);
    return conditions;
  };
}

function conditionsOf(filter: RecordFilter, caller: Caller, values: readonly unknown[]): Conditions {
  return selectionConditions(selectionOf(filter, caller), values);
}
