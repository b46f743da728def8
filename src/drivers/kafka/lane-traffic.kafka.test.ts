import { describe, expect, test } from 'vitest';
import { Slab } from '../../model/slab.ts';
import { brokers, freshGroup, freshTopic } from '../../testing/broker.ts';
import { buildMessage } from '../../testing/build-batch.ts';
import { fillTo, laneNames, type OpenedSource, publisherOf, sourceOf, turn } from '../../testing/lanes.ts';
import { publishMessages } from '../../testing/publish-messages.ts';
import { openWire } from '../kafka-wire/wire.ts';
import type { Publisher, Source } from './lane.ts';

const partitions = 4;

/** Publishes 4,000 numbers from `first` on, each to the partition of its remainder by 4. */
async function publishNumbers(publisher: Publisher, topic: string, first: number): Promise<void> {
  for (let from = first; from < first + 4_000; from += 1_000) {
    const numbers = Array.from({ length: 1_000 }, (_, index) => from + index);
    const messages = numbers.map((number) => buildMessage({ value: Buffer.from(String(number)), partition: number % partitions }));
    expect(await publishMessages(publisher, topic, messages)).toEqual([]);
  }
}

/** A member of a group that stores the offset of all it has seen at every turn, and so gives its partitions over without a repeat. */
class Reader {
  readonly seen: number[] = [];
  readonly opened: OpenedSource;
  readonly #topic: string;
  readonly #slab = Slab.allocate(64, 65_536);

  constructor(opened: OpenedSource, topic: string) {
    this.opened = opened;
    this.#topic = topic;
  }

  async turn(): Promise<void> {
    const slab = this.#slab;
    await turn(this.opened.source, slab, 50);
    for (let row = 0; row < slab.count; row++) {
      this.seen.push(Number(slab.value(row)));
      const watermark = { topic: this.#topic, partition: slab.partition(row), epoch: slab.epoch(row), offsetNext: slab.offset(row) + 1 };
      this.opened.source.storeOffsets([watermark]);
    }
    slab.reset();
  }

  get held(): number {
    return Array.from({ length: partitions }, (_, at) => this.opened.source.epochOf(this.#topic, at)).filter((epoch) => epoch !== null)
      .length;
  }
}

describe.each(laneNames)('the %s lane', (lane) => {
  test.each(['cooperative-sticky', 'range'])('with %s, members come and go and every message is read once, in order', async (strategy) => {
    const topic = await freshTopic('members', { partitions });
    const publisher = await publisherOf(lane, topic);
    const groupId = freshGroup();
    const join = async () =>
      new Reader(await sourceOf(lane, topic, { groupId, properties: { 'partition.assignment.strategy': strategy } }), topic);
    const one = await join();
    await publishNumbers(publisher, topic, 0);
    while (one.seen.length < 1_000) await one.turn();
    const other = await join();
    while (one.held !== 2 || other.held !== 2) await Promise.all([one.turn(), other.turn()]);
    await publishNumbers(publisher, topic, 4_000);
    const both = () => one.seen.length + other.seen.length;
    while (both() < 6_000) await Promise.all([one.turn(), other.turn()]);
    await other.opened.close();
    await publishNumbers(publisher, topic, 8_000);
    while (both() < 12_000) await one.turn();
    expect([...one.seen, ...other.seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 12_000 }, (_, number) => number));
    for (const { seen } of [one, other]) {
      for (let partition = 0; partition < partitions; partition++) {
        const numbers = seen.filter((number) => number % partitions === partition);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }
    }
  });

  test('a member with its hands full stays in its group past max.poll.interval.ms without spinning, and goes on when it resumes', async () => {
    const topic = await freshTopic('idle');
    const publisher = await publisherOf(lane, topic);
    const text = (value: string) => buildMessage({ value: Buffer.from(value) });
    await publishMessages(publisher, topic, [text('1'), text('2'), text('3')]);
    const limits = { 'session.timeout.ms': 6_000, 'max.poll.interval.ms': 6_000 };
    const { source } = await sourceOf(lane, topic, { properties: limits });
    const full = Slab.allocate(8, 1);
    while (source.carriedBytes === null) await turn(source, full);
    const untilMs = performance.now() + 8_000;
    let calls = 0;
    for (; performance.now() < untilMs; calls += 1) await source.idle(100);
    expect(source.rebalancePending).toBe(false);
    expect(calls).toBeLessThan(1_000);
    await publishMessages(publisher, topic, [text('4')]);
    source.resume();
    const rest = Slab.allocate(8, 1_000);
    await fillTo(source, rest, 3);
    expect([0, 1, 2].map((row) => String(rest.value(row)))).toEqual(['2', '3', '4']);
  });

  test('a topic that is held stands still, partitions that come meanwhile too; rewound, it is read again from there in a new epoch', async () => {
    const topic = await freshTopic('held', { partitions: 2 });
    const publisher = await publisherOf(lane, topic);
    const lot = (from: number) =>
      Array.from({ length: 20 }, (_, at) => buildMessage({ partition: at % 2, value: Buffer.from(String(from + at)) }));
    await publishMessages(publisher, topic, lot(0));
    const { source } = await sourceOf(lane, topic);
    const slab = Slab.allocate(100, 10_000);
    await fillTo(source, slab, 20);
    source.hold(topic);
    await publishMessages(publisher, topic, lot(20));
    // A pause of the whole source and its end must not let the topic go on.
    await source.idle(50);
    source.resume();
    const before = slab.count;
    for (let turns = 0; turns < 20; turns++) await source.fill(slab, 50);
    expect(slab.count).toBe(before);
    const epoch = source.epochOf(topic, 1) as number;
    expect(await source.rewind({ topic, partition: 1 }, 5)).toBeGreaterThan(epoch);
    source.release(topic);
    const again = Slab.allocate(100, 10_000);
    await fillTo(source, again, 10 + 15);
    const offsets = (partition: number) =>
      Array.from({ length: again.count }, (_, row) => row).flatMap((row) =>
        again.partition(row) === partition ? [again.offset(row)] : [],
      );
    expect(offsets(0)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(offsets(1)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(source.partitionsOf(topic)).toHaveLength(2);
  });

  test('several sources and publishers work side by side in one process', async () => {
    const topics = await Promise.all([freshTopic('side'), freshTopic('side')]);
    const read = await Promise.all(
      topics.map(async (topic, at) => {
        const publisher = await publisherOf(lane, topic);
        const { source } = await sourceOf(lane, topic);
        await publishMessages(publisher, topic, [buildMessage({ value: Buffer.from(`of ${at}`) })]);
        const slab = Slab.allocate(8, 1_000);
        await fillTo(source, slab, 1);
        return String(slab.value(0));
      }),
    );
    expect(read).toEqual(['of 0', 'of 1']);
  });

  test('a full queue holds publications back without blocking the event loop, and none is lost or out of order', async () => {
    const topic = await freshTopic('full');
    const publisher = await publisherOf(lane, topic, { properties: { 'queue.buffering.max.messages': 50 } });
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const numbers = Array.from({ length: 1_000 }, (_, number) => buildMessage({ value: Buffer.from(String(number)) }));
    const sent = await Promise.all([publishMessages(publisher, topic, numbers), publishMessages(publisher, topic, numbers)]);
    clearInterval(counting);
    expect(sent).toEqual([[], []]);
    expect(turns).toBeGreaterThan(10);
    const wire = await openWire({ brokers: [brokers()], client: {} });
    const values: number[] = [];
    await wire.read({ topic, partition: 0, from: 0, to: 2_000 }, (batch) => void values.push(...batch.map(({ value }) => Number(value))));
    await wire.close();
    expect(values).toEqual(Array.from({ length: 2_000 }, (_, at) => at % 1_000));
  });

  test('closed with messages on their way in both directions, it ends and calls nobody back', async () => {
    const topic = await freshTopic('closing', { partitions });
    const publisher = await publisherOf(lane, topic);
    await publishNumbers(publisher, topic, 0);
    const other = await publisherOf(lane, topic);
    const messages = Array.from({ length: 4_000 }, (_, number) =>
      buildMessage({ value: Buffer.alloc(1_000), partition: number % partitions }),
    );
    let settled = 0;
    for (let round = 0; round < 5; round++) void publishMessages(other, topic, messages).then(() => settled++);
    const opened = await sourceOf(lane, topic);
    const slab = Slab.allocate(2, 100);
    await fillTo(opened.source, slab, 2);
    const settledAtClose = settled;
    await other.close();
    const settledByClose = settled;
    await opened.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(settledAtClose).toBeLessThanOrEqual(settledByClose);
    expect(settled).toBe(settledByClose);
    await expect(readAgain(topic)).resolves.toBe(10);
  });

  async function readAgain(topic: string): Promise<number> {
    const { source }: { source: Source } = await sourceOf(lane, topic);
    const slab = Slab.allocate(10, 100_000);
    await fillTo(source, slab, 10);
    return slab.count;
  }
});
