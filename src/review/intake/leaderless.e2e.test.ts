import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ClientPublisher } from '../../drivers/kafka/client-publisher.ts';
import { Connections, type WireApi } from '../../drivers/kafka-wire/connections.ts';
import { Wire } from '../../drivers/kafka-wire/wire.ts';
import { silentLog } from '../../observe/log.ts';
import { buildMessage } from '../../testing/build-batch.ts';
import { openStage, startEngine } from '../../testing/engine.ts';
import { publishMessages } from '../../testing/publish-messages.ts';
import { reviewCaller } from '../../testing/review-caller.ts';
import { openKafkaPair } from '../../testing/services/kafka-server.ts';

const letters = 'orders-dlt';

const metadataKey = 3;

/** Counts how often a question is put: each attempt at one begins with the leaders of its topic. */
class CountedConnections extends Connections {
  attempts = 0;

  override async call<Args extends unknown[], Answer>(
    broker: Parameters<Connections['call']>[0],
    apis: readonly WireApi<Args, Answer>[],
    ...args: Args
  ): Promise<Answer> {
    if (apis.some(({ key }) => key === metadataKey)) this.attempts++;
    return super.call(broker, apis, ...args);
  }
}

/** A topic of two partitions, each on a broker of its own. A broker that has just come is passed over, unless copies on both are asked for. */
async function createTopics(wire: Wire): Promise<void> {
  for (const [name, replicationFactor] of [['on-both', 2] as const, [letters, 1] as const]) {
    const topic = { name, partitions: 2, replicationFactor, configs: { 'retention.ms': '-1' } };
    const ends = () => wire.createTopics([topic]).then(() => wire.ends(name));
    while (!(await ends().catch(() => null))) await sleep(100);
  }
}

/** Publishes a dead letter to each of the partitions. */
async function publish(broker: string, partitions: readonly number[]): Promise<void> {
  const publisher = await ClientPublisher.open({
    client: { brokers: broker, clientId: 'other', properties: {} },
    messageBytesMax: new Map([[letters, 2 ** 20]]),
    log: silentLog(),
    onFatal: () => {},
  });
  const messages = partitions.map((partition) => buildMessage({ partition, timestamp: Date.now() }));
  expect(await publishMessages(publisher, letters, messages)).toEqual([]);
  await publisher.close();
}

test('a partition without a leader waits alone: the others of its topic are read, and it is when it has one again', async () => {
  const stage = await openStage();
  const pair = await openKafkaPair();
  onTestFinished(async () => {
    await pair.second.close();
    await pair.server.close();
  });
  const [host = '', port = ''] = pair.brokers.split(':');
  const connections = new CountedConnections([{ host, port: Number(port) }], {});
  const wire = new Wire(connections, 'all');
  onTestFinished(() => wire.close());
  await createTopics(wire);
  await publish(pair.brokers, [0, 1]);
  const engine = await startEngine({ ...stage.env, DQ_KAFKA_BROKERS: pair.brokers, DQ_INTAKE_TOPICS: letters }, ['--only', 'review']);
  const { records } = reviewCaller(engine);
  await records(2);

  await pair.second.stop();
  const lookUntilAway = async () => {
    for (;;) {
      const look = await wire.bounds(letters).catch(() => null);
      if (look?.bounds.filter((bound) => bound === null).length === 1) return look;
      await sleep(100);
    }
  };
  const { bounds, failure } = await lookUntilAway();
  expect(bounds).toEqual(expect.arrayContaining([{ start: 0, end: 1 }, null]));
  const away = bounds.indexOf(null);
  expect(failure).toMatchObject({ code: 'DQ_KAFKA_UNREACHABLE', message: expect.stringContaining(`${letters}/${away} `) as string });
  // The intake has other topics to look at: it does not wait for the leader as those do who need all of them.
  const attemptsOf = async (ask: () => Promise<unknown>) => {
    const before = connections.attempts;
    const answer = await ask().catch((error: unknown) => error);
    return { attempts: connections.attempts - before, answer };
  };
  expect(await attemptsOf(() => wire.bounds(letters))).toMatchObject({ attempts: 1, answer: { bounds } });
  const { attempts, answer } = await attemptsOf(() => wire.ends(letters));
  expect(answer).toMatchObject({ code: 'DQ_KAFKA_UNREACHABLE' });
  expect(attempts).toBeGreaterThan(1);
  await publish(pair.brokers, [1 - away]);
  expect((await records(3)).items.filter(({ partition }) => partition !== away)).toHaveLength(2);
  const isTold = async () => (await (await fetch(`${engine.address}/readyz`)).text()).includes(`dead letters of ${letters} wait`);
  while (!(await isTold())) await sleep(100);

  await pair.second.start();
  await publish(pair.brokers, [away]);
  expect((await records(4)).items).toHaveLength(4);
});
