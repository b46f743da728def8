import { randomUUID } from 'node:crypto';
import type { Publisher } from '../../drivers/kafka/lane.ts';
import type { Wire } from '../../drivers/kafka-wire/wire.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { createDeferred } from '../../lib/deferred.ts';
import { isRetryable, messageOf } from '../../lib/errors.ts';
import type { Log } from '../../observe/log.ts';
import type { PlanRow } from '../../store/replay-plans.ts';
import type { Claim, RunStore } from '../../store/replay-runs.ts';
import type { Settled } from '../../store/replayed-records.ts';
import { type JudgedRecord, type JudgeRecordsOptions, judgeRecords } from './judged-record.ts';
import { Lease } from './lease.ts';
import { findPublished } from './published-copies.ts';
import { sendClaim } from './send-claim.ts';
import { describeTarget } from './target.ts';
import { overtakenIn, TargetTail } from './target-tail.ts';

export interface RunnerOptions extends JudgeRecordsOptions {
  readonly runs: RunStore;
  readonly openWire: () => Promise<Wire>;
  /** A producer for that topic; it is closed with the runner. `onFatal` is told if it gives up for good. */
  readonly openPublisher: (topic: string, messageBytesMax: number, onFatal: (error: Error) => void) => Promise<Publisher>;
  /** Are messages compressed on their way? */
  readonly isCompressing: boolean;
  /** Closes a plan that has nothing left to send. */
  readonly finish: () => Promise<boolean>;
  /** A plan stops by itself when more than this share of its records fail, counted from its last start. */
  readonly failureShareMax: number;
  readonly log: Log;
  readonly clock?: Clock;
  readonly leaseMs?: number;
  readonly pollMs?: number;
  /** Records that one claim takes at most. */
  readonly claimRecordsMax?: number;
}

/** So many records go first, then so many more, and then all others. */
const stages: readonly number[] = [1, 10, 100];
/** Plans whose target is followed; of one that was let go, it is read again. */
const tailsMax = 8;
const claimBytesMax = 16 * 2 ** 20;
const backoffMs = 1_000;
const failureWaitMs = 2_000;

/**
 * A worker of the outbox: takes records of running plans into hand, sends them and writes down what became of them. Any number of them,
 * in any number of processes, work side by side.
 *
 * A claim is held by a lease. What was in hand when a worker ended is taken over by another once the lease has ended, and looked for in
 * the topic before anything of it is sent again. Invariant: nothing is sent by a worker whose lease may have ended.
 */
export class ReplayRunner {
  readonly #options: RunnerOptions;
  readonly #worker = randomUUID();
  readonly #publishers = new Map<string, Promise<Publisher>>();
  readonly #tails = new Map<string, TargetTail>();
  readonly #stopping = new AbortController();
  /** Resolved a moment after the worker was told to stop: a broker that is away would be waited for for ever. */
  readonly #stopped = createDeferred<null>();
  /** Resolved when a client can publish no more: what it has in hand is never answered. */
  #fatal = createDeferred<null>();
  readonly #ended = new AbortController();
  readonly #clock: Clock;
  readonly #leaseMs: number;
  #wire: Promise<Wire> | null = null;
  #nudge = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#leaseMs = options.leaseMs ?? 30_000;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There is work: it need not be found by looking. */
  wake(): void {
    this.#nudge.abort();
  }

  /** Ends after the round that is being sent; what is in hand and was not sent waits for the next worker. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    void this.#clock.sleep(failureWaitMs, this.#ended.signal).then(() => this.#stopped.resolve(null));
    await this.#running;
    this.#ended.abort();
    for (const publisher of this.#publishers.values()) await publisher.then((open) => open.close()).catch(() => {});
    await this.#wire?.then((wire) => wire.close()).catch(() => {});
  }

  async #run(): Promise<void> {
    const { log, pollMs = 500 } = this.#options;
    while (!this.#stopping.signal.aborted) {
      this.#nudge = new AbortController();
      try {
        if (await this.step()) continue;
        await this.#clock.sleep(pollMs, this.#nudge.signal);
      } catch (error) {
        log.warn({ err: error }, `replay: ${messageOf(error)}; trying again`);
        await this.#clock.sleep(failureWaitMs, this.#stopping.signal);
      }
    }
  }

  /** Does one piece of work; false if there was none. */
  async step(): Promise<boolean> {
    const { runs, finish, claimRecordsMax = 500 } = this.#options;
    const orphan = await runs.takeOver(this.#worker, this.#leaseMs);
    if (orphan) {
      await this.#resolve(orphan);
      return true;
    }
    if (await finish()) return true;
    const claim = await runs.claim({
      id: randomUUID(),
      worker: this.#worker,
      leaseMs: this.#leaseMs,
      recordsMax: claimRecordsMax,
      bytesMax: claimBytesMax,
      stages,
      endsOf: async (target) => (await this.#openWire()).ends(target),
    });
    if (!claim) return false;
    await this.#work(claim);
    return true;
  }

  /** What an ended worker had in hand: sent or not, the topic says it. */
  async #resolve(claim: Claim): Promise<void> {
    const { ids, mayBeGone } = await this.#held(claim, async () => findPublished(await this.#openWire(), claim));
    const lastOf = new Map<string, number>();
    for (const { recordId, chain, ordinal } of claim.records) {
      if (chain && ids.has(recordId)) lastOf.set(chain.toString('hex'), ordinal);
    }
    const settled = claim.records.flatMap(({ recordId, chain, ordinal }): Settled[] => {
      const sent: Settled = { ordinal, state: 'published', message: null, attempted: true };
      if (ids.has(recordId)) return [sent];
      const isBefore = chain !== null && ordinal < (lastOf.get(chain.toString('hex')) ?? -1);
      if (!isBefore) return [];
      // Of one key they went out in order: what is before one that is there was sent, too, or left out as overtaken. Where it may be
      // gone from there again nobody can tell; it counts as sent, since it must not come after the one that is there.
      return [mayBeGone ? sent : { ordinal, state: 'left_out', message: overtakenIn(claim.plan.target), attempted: false }];
    });
    const published = settled.filter(({ state }) => state === 'published').length;
    this.#options.log.info(
      { plan: claim.plan.id, records: claim.records.length, published },
      'replay: took over what another worker had in hand',
    );
    await this.#settle(claim, settled);
  }

  async #work(claim: Claim): Promise<void> {
    const handed = { yes: false };
    try {
      const settled = await this.#held(claim, (lease) => this.#send(claim, lease, handed));
      if (settled) await this.#settle(claim, settled);
    } catch (error) {
      // Nothing of it can be on its way: whoever comes next need not wait for the lease.
      if (!handed.yes) await this.#options.runs.renew(claim.id, this.#worker, 0);
      if (!isRetryable(error)) await this.#options.runs.pause(claim.plan.id, `it cannot go on: ${messageOf(error)}`, async () => {});
      throw error;
    }
  }

  /** Null if the worker stopped while messages were on their way: the topic will say which of them arrived. */
  async #send(claim: Claim, lease: Lease, handed: { yes: boolean }): Promise<Settled[] | null> {
    const { plan, records } = claim;
    const target = await describeTarget(await this.#openWire(), plan.target, this.#options.isCompressing);
    const publisher = await this.#publisherOf(plan.target, target.messageBytesMax);
    const fresh = await judgeRecords(records, { planId: plan.id, target, schemaVersion: plan.schemaVersion }, this.#options);
    const judged = await this.#leaveOvertaken(plan, fresh);
    const sending = sendClaim(judged, {
      topic: plan.target,
      publisher,
      mayGoOn: () => {
        if (this.#stopping.signal.aborted || !lease.isSafe) return false;
        handed.yes = true;
        return true;
      },
      leaveOvertaken: (open) => this.#leaveOvertaken(plan, open),
      log: this.#options.log,
      clock: this.#clock,
    });
    const settled = await Promise.race([sending, lease.lost, this.#fatal.promise, this.#stopped.promise]);
    if (settled === null) await this.#discard(plan.target, publisher);
    return settled;
  }

  /** Whatever has come into the target since the dry run counts, up to this moment. */
  async #leaveOvertaken(plan: PlanRow, records: readonly JudgedRecord[]): Promise<readonly JudgedRecord[]> {
    const { id: planId, target: topic, lookedTo } = plan;
    if (lookedTo === null) return records;
    const { runs } = this.#options;
    const known = this.#tails.get(planId);
    const tail =
      known ?? new TargetTail({ wire: await this.#openWire(), planId, topic, from: lookedTo.map(Number), ...(await runs.ahead(planId)) });
    // Of many plans, those that have waited longest are read anew.
    this.#tails.delete(planId);
    this.#tails.set(planId, tail);
    for (const other of [...this.#tails.keys()].slice(0, -tailsMax)) this.#tails.delete(other);
    const held = await tail.hold(records);
    if (tail.gap !== null) await runs.noteGap(planId, tail.gap);
    return held;
  }

  /** What still waits in the client's queue must not go out after the lease has ended. */
  async #discard(topic: string, publisher: Publisher): Promise<void> {
    this.#publishers.delete(topic);
    await publisher.close().catch(() => {});
  }

  async #held<T>(claim: Claim, work: (lease: Lease) => Promise<T>): Promise<T> {
    const lease = new Lease({
      ms: this.#leaseMs,
      clock: this.#clock,
      renew: () => this.#options.runs.renew(claim.id, this.#worker, this.#leaseMs),
    });
    try {
      return await work(lease);
    } finally {
      lease.end();
    }
  }

  async #settle(claim: Claim, settled: readonly Settled[]): Promise<void> {
    const { runs, failureShareMax } = this.#options;
    const standing = await runs.settle(claim, this.#worker, settled, backoffMs);
    if (!standing || standing.open === 0 || standing.failed <= standing.settled * failureShareMax) return;
    const reason = `stopped by itself: ${standing.failed} of ${standing.settled} records failed again`;
    if (await runs.pause(claim.plan.id, reason, async () => {})) this.#options.log.warn({ plan: claim.plan.id }, `replay: ${reason}`);
  }

  #publisherOf(topic: string, messageBytesMax: number): Promise<Publisher> {
    const known = this.#publishers.get(topic);
    if (known) return known;
    const limit = Number.isFinite(messageBytesMax) ? messageBytesMax : 2 ** 30;
    const onFatal = () => {
      this.#publishers.delete(topic);
      this.#fatal.resolve(null);
      this.#fatal = createDeferred();
    };
    const opening = this.#options.openPublisher(topic, limit, onFatal);
    this.#publishers.set(topic, opening);
    opening.catch(() => this.#publishers.delete(topic));
    return opening;
  }

  #openWire(): Promise<Wire> {
    if (!this.#wire) {
      const opening = this.#options.openWire();
      opening.catch(() => {
        this.#wire = null;
      });
      this.#wire = opening;
    }
    return this.#wire;
  }
}
