import { DataQuarantineError } from '../../lib/errors.ts';
import type { Reject } from '../../model/delivery.ts';
import { answer, Slab } from '../../model/slab.ts';
import { SlabRing } from '../../model/slab-ring.ts';
import type { Fault } from '../../model/verdict.ts';
import { silentLog } from '../../observe/log.ts';
import { createMetrics } from '../../observe/metrics.ts';
import { Batcher } from '../../pipeline/batch/batcher.ts';
import { Committer } from '../../pipeline/commit/committer.ts';
import { Consumer } from '../../pipeline/consume/consumer.ts';
import { Flood } from '../../pipeline/flood/flood.ts';
import { Pipeline } from '../../pipeline/pipeline.ts';
import { publishRefusal } from '../../pipeline/sink/publish-refusal.ts';
import { Quarantine } from '../../pipeline/sink/quarantine.ts';
import { Sink } from '../../pipeline/sink/sink.ts';
import { Tally } from '../../pipeline/tally.ts';
import { type Judge, Validator } from '../../pipeline/validate/validator.ts';
import { buildStores } from '../build-stores.ts';
import { topics } from './books.ts';
import type { Group } from './group.ts';
import type { ProcessDisk, SimulatedDisk } from './simulated-disk.ts';
import { SimulatedPublisher } from './simulated-publisher.ts';
import { SimulatedSource } from './simulated-source.ts';
import { SimulatedSpool } from './simulated-spool.ts';
import { SimulatedStores } from './simulated-stores.ts';
import { crashed, type World } from './world.ts';

const log = silentLog();
const metrics = createMetrics();

/** What instances share beside the world. */
export interface Surroundings {
  readonly group: Group;
  /** What the spools of all lie on, null where they have none. */
  readonly disk: SimulatedDisk | null;
}

/** A process of the service: the real stages, joined as `app.ts` joins them, over simulated neighbours. */
export class Instance {
  readonly name: string;
  readonly #world: World;
  readonly #source: SimulatedSource;
  readonly #publisher: SimulatedPublisher;
  readonly #stores: SimulatedStores;
  readonly #disk: ProcessDisk | null;
  readonly #spool: SimulatedSpool | null;
  readonly #quarantine: Quarantine;
  readonly #pipeline: Pipeline;
  readonly #abandon = new AbortController();
  readonly #group: Group;
  isRunning = true;

  constructor(name: string, world: World, { group, disk }: Surroundings) {
    this.name = name;
    this.#world = world;
    this.#group = group;
    this.#source = new SimulatedSource(name, world, group);
    this.#publisher = new SimulatedPublisher(world);
    this.#stores = new SimulatedStores(world);
    this.#disk = disk?.forProcess() ?? null;
    this.#spool = this.#disk && this.#openSpool(this.#disk);
    this.#quarantine = this.#openQuarantine();
    this.#pipeline = this.#compose();
    void this.#spool?.open();
    world.books.note(`${name} starts`);
  }

  /** Runs until it is stopped or fails, and closes as `App.run` does. Returns what ended it. */
  async run(): Promise<unknown> {
    let ended: unknown = null;
    try {
      await this.#pipeline.run();
    } catch (error) {
      ended = error;
    }
    this.#abandon.abort();
    await this.#spool?.close();
    await this.#source.close();
    await this.#publisher.close();
    // With the process go its locks, those of a spool that was still being opened among them.
    this.#disk?.die();
    this.isRunning = false;
    this.#world.books.note(`${this.name} ended: ${ended instanceof Error ? ended.message : 'drained'}`);
    return ended;
  }

  stop(): void {
    this.#world.books.note(`${this.name} is asked to stop`);
    this.#pipeline.stop();
  }

  /** As `kill -9` does. */
  crash(): void {
    this.#world.books.note(`${this.name} is killed`);
    this.#publisher.die();
    this.#source.die();
    this.#stores.die();
    this.#disk?.die();
    this.#abandon.abort();
    this.#pipeline.fail(crashed());
  }

  fail(): void {
    this.#pipeline.fail(new DataQuarantineError('DQ_KAFKA_FATAL', 'the client gave up'));
  }

  giveUp(): void {
    this.#group.giveUp(this.#source);
  }

  #compose(): Pipeline {
    const { clock } = this.#world.time;
    const { random } = this.#world;
    const committer = new Committer(this.#source);
    const ring = new SlabRing({ slabs: 1 + random.below(5), rowsMax: 1 + random.below(12), bytesMax: 500 });
    const tally = new Tally({ schemaName: () => null, metrics });
    const flood = this.#flood();
    const validator = new Validator({
      judge: this.#judge(),
      catalog: () => ({ revision: 0, files: [] }) as never,
      topics: [],
      limits: {} as never,
      ask: async () => [],
      absent: () => [],
      inHand: null,
      engine: 'js',
      producerHeaders: null,
      onFields: () => undefined,
      onDisagreement: () => undefined,
      onSample: () => {},
    });
    const consumer = new Consumer({
      source: this.#source,
      holder: committer,
      clock,
      log,
      revokeMsMax: 17_000,
      idleAfterMs: 2_000,
      isHeld: (topic) => flood.isHeld(topic),
      onRebalanced: () => {},
    });
    return new Pipeline({
      consumer,
      ring,
      batcher: new Batcher({ ring, clock, isBehind: () => validator.busy, firstMsMax: 1_000, lingerMsMax: random.below(50) }),
      validator,
      flood,
      validPartitions: 2,
      sink: new Sink({
        publisher: this.#publisher,
        validTopic: topics.valid,
        keyRequired: false,
        quarantine: this.#quarantine,
        faultOf: (_, refusal) => publishRefusal(refusal, topics.valid, null),
      }),
      committer,
      clock,
      caughtUp: () => this.#publisher.caughtUp(),
      onTaken: (batch) => tally.take(batch),
      onPassed: (receipt) => tally.count(receipt),
      onTurn: () => {
        const unaccounted = tally.balance(committer.openMessages);
        if (unaccounted > 0) this.#world.books.refuse(`${this.name} cannot place ${unaccounted} messages`);
      },
      drainMsMax: 17_000,
      flushMsInterval: 250,
    });
  }

  /** Trips at a handful of bad messages in a row, and is lifted after a while; after some lifts it lets all through. */
  #flood(): Flood {
    const { random, time, books } = this.#world;
    const action = (['alert', 'sample', 'pause', 'pause'] as const)[random.below(4)] as 'alert' | 'sample' | 'pause';
    let lifts = random.below(4);
    const flood: Flood = new Flood({
      topics: [topics.source],
      rulesOf: () => ({ action, share: 0.9, causeShare: 0.9, window: 50, consecutive: 2 + random.below(6), sampleCount: 1 }),
      mayPoint: () => false,
      onTrip: (topic, { reason }) => {
        books.note(`${this.name} is in flood: ${reason}`);
        time.schedule(random.below(5_000), () => {
          books.note(`${this.name} lets the flood through`);
          const breaker = flood.of(topic);
          breaker?.lifted();
          if (breaker) breaker.isMuted = --lifts < 0;
        });
      },
      onPointers: () => {},
    });
    return flood;
  }

  #openSpool(disk: ProcessDisk): SimulatedSpool {
    return new SimulatedSpool({
      world: this.#world,
      disk,
      keep: (records) => this.#quarantine.keepSpooled(records),
      signal: this.#abandon.signal,
      onFatal: (error) => this.#pipeline.fail(error),
    });
  }

  #openQuarantine(): Quarantine {
    const { random, time } = this.#world;
    return new Quarantine({
      stores: buildStores(this.#stores, { clock: time.clock }),
      spool: this.#spool,
      spoolMsMax: 10_000,
      publisher: this.#publisher,
      dlqTopic: topics.dlq,
      dlqPartitions: 2,
      dlqBytesMax: 100_000,
      identify: (_, partition, offset) => `${partition}/${offset}`,
      clock: time.clock,
      loadMessagesMax: 1 + random.below(20),
      loadBytesMax: 100 + random.below(5_000),
      lingerMsMax: random.below(20),
      loadsMax: 1 + random.below(4),
      batchesMax: random.share() < 0.2 ? 1 + random.below(4) : 64,
      signal: this.#abandon.signal,
      onSpooled: () => {},
      onSpoolRefused: () => {},
      onRefusedKept: () => {},
    });
  }

  /** Judges by the fate that a message names, in any time and so in any order. */
  #judge(): Judge {
    return {
      threads: 1 + this.#world.random.below(2),
      judge: async ({ slab: wire, count }) => {
        await this.#world.pass();
        if (this.#world.random.share() < this.#world.faultShare / 20)
          throw new DataQuarantineError('DQ_WORKER_LOST', 'no thread can begin');
        const slab = Slab.attach(wire, count);
        const rejects: Reject[] = [];
        for (let row = 0; row < count; row++) {
          const value = slab.value(row);
          const isBad = value?.includes('"fate":"invalid"') === true;
          slab.answers[row] = value === null ? answer.tombstone : isBad ? answer.faulty : answer.valid;
          if (isBad) rejects.push({ row, fault });
        }
        return { rejects, keys: [], samples: [], disagreements: 0, needs: [], fields: [] };
      },
    };
  }
}

const fault: Fault = {
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'expected another fate',
  field_path: 'fate',
  instance_path: '/fate',
  keyword: 'const',
  fingerprint: 'v1:00000000000000000000000000000000',
  schema_name: 'fate',
  schema_version: '1.0.0',
  engine: 'js',
};
