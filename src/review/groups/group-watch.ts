import { randomUUID } from 'node:crypto';
import type { Database, DatabaseClient } from '../../drivers/postgres/database.ts';
import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import type { Clock } from '../../lib/clock.ts';
import { isRetryable } from '../../lib/errors.ts';
import type { Log } from '../../observe/log.ts';
import { isAtLeast } from '../../registry/version-order.ts';
import { type Alert, keepAlerts } from '../../store/alert-store.ts';
import { addProducer, type PutAway, readAlerted, readPutAway, setState, takeDrained, takeSharpRates } from '../../store/group-states.ts';
import { readFrame } from '../../store/payload.ts';
import { type FreshGroup, RollUp, type Round } from '../../store/roll-up.ts';

export interface GroupWatchOptions {
  readonly database: Database;
  readonly storage: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Headers that name who sent a message, the first that is there counts. */
  readonly producerHeaders: readonly string[];
  /** Is there somebody to tell of new and returning groups? */
  readonly alerts: boolean;
}

type AlertKind = 'new' | 'regressed' | 'rate' | 'resolved';

const roundMsInterval = 1_000;
const housekeepingMsInterval = 60_000;
/** Segments that are looked into for a producer, in one round. */
const samplesMax = 4;
const rateRule = { perMinuteMin: 60, timesMin: 10 };

/**
 * Watches what comes into quarantine: counts it by cause, brings groups back that were put away, and raises alerts. Rounds follow
 * each other; whoever must know of everything that is there waits for one that began after the question.
 */
export class GroupWatch {
  readonly #options: GroupWatchOptions;
  readonly #rollUp: RollUp;
  #running: Promise<unknown> | null = null;
  #next: Promise<void> | null = null;
  #revision = 0;

  constructor(options: GroupWatchOptions) {
    this.#options = options;
    this.#rollUp = new RollUp(options.database);
  }

  /** Goes up whenever records came into groups or left them. */
  get revision(): number {
    return this.#revision;
  }

  /** Ends when a round that began after this call has ended. */
  catchUp(): Promise<void> {
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(running: Promise<unknown> | null): Promise<void> {
    await running?.catch(() => {});
    this.#next = null;
    const round = this.#round();
    this.#running = round;
    await round;
  }

  /** Rounds until the signal. What fails is tried again at the next. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let tidiedMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      try {
        await this.catchUp();
        if (clock.monotonic() - tidiedMs > housekeepingMsInterval) {
          await this.#rollUp.prune();
          tidiedMs = clock.monotonic();
        }
      } catch (error) {
        if (!signal.aborted) log[isRetryable(error) ? 'warn' : 'error']({ err: error }, 'records could not be grouped; trying again');
      }
      await clock.sleep(roundMsInterval, signal);
    }
  }

  async #round(): Promise<void> {
    const round = await this.#rollUp.round((client, found) => this.#settle(client, found));
    if (round.records > 0 || round.moved > 0) this.#revision += 1;
    for (const group of round.groups.slice(0, samplesMax)) await this.#lookForProducer(group);
  }

  /** In the transaction of the round: a group is brought back, and an alert raised, exactly once. */
  async #settle(client: DatabaseClient, { groups, isFirst }: Round): Promise<void> {
    const fresh = new Map(groups.map((group) => [group.fingerprint, group]));
    const away = await readPutAway(client, [...fresh.keys()]);
    const regressed = away.filter((group) => group.state === 'resolved' && hasRegressed(group, fresh.get(group.fingerprint)));
    const reopened = away.filter((group) => group.state === 'archived' && isOver(group, this.#options.clock.now()));
    if (regressed.length > 0) await setState(client, fingerprintsOf(regressed), 'regressed');
    if (reopened.length > 0) await setState(client, fingerprintsOf(reopened), 'open');
    if (!this.#options.alerts) return;
    const alerts = [
      ...(isFirst ? [] : await this.#alertsOf(client, 'new', fingerprintsOf(groups.filter(({ isNew }) => isNew)))),
      ...(await this.#alertsOf(client, 'regressed', fingerprintsOf(regressed))),
      ...(await this.#alertsOf(client, 'rate', groups.length > 0 ? await takeSharpRates(client, rateRule) : [])),
      ...(await this.#alertsOf(client, 'resolved', await takeDrained(client))),
    ];
    await keepAlerts(client, alerts);
  }

  async #alertsOf(client: DatabaseClient, kind: AlertKind, fingerprints: readonly string[]): Promise<Alert[]> {
    if (fingerprints.length === 0) return [];
    const time = new Date(this.#options.clock.now()).toISOString();
    const groups = await readAlerted(client, fingerprints);
    return groups.map((data) => {
      const id = randomUUID();
      const event = {
        specversion: '1.0',
        id,
        source: '/dataquarantine/groups',
        type: `dataquarantine.group.${kind}`,
        subject: data.fingerprint,
        time,
        datacontenttype: 'application/json',
        data,
      };
      return { id, kind, fingerprint: data.fingerprint, event };
    });
  }

  /** Rows know no headers, so one record of each group that a round met is looked at; what cannot be read says nothing. */
  async #lookForProducer({ fingerprint, samplePath }: FreshGroup): Promise<void> {
    const { storage, database, producerHeaders } = this.#options;
    if (producerHeaders.length === 0) return;
    const frame = await readFrame(storage, samplePath).catch(() => null);
    const named = producerHeaders.map((name) =>
      frame?.headers
        .find((header) => header.name === name)
        ?.value?.toString()
        .trim(),
    );
    const producer = named.find((value) => value !== undefined && /^[\x20-\x7e]{1,100}$/.test(value));
    if (producer !== undefined) await database.withClient((client) => addProducer(client, fingerprint, producer));
  }
}

/** Said to be mended in a version, it has regressed when a record of that version or a later one comes; else with any. */
function hasRegressed({ resolvedIn }: PutAway, fresh: FreshGroup | undefined): boolean {
  if (!fresh) return false;
  return resolvedIn === null || fresh.versions.some((version) => isAtLeast(version, resolvedIn));
}

function isOver({ archivedUntil, recordsMax, recordsSince }: PutAway, nowMs: number): boolean {
  return (archivedUntil !== null && archivedUntil.getTime() <= nowMs) || (recordsMax !== null && recordsSince >= recordsMax);
}

function fingerprintsOf(groups: readonly { readonly fingerprint: string }[]): string[] {
  return groups.map(({ fingerprint }) => fingerprint);
}
