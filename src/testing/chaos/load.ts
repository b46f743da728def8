import { setTimeout as sleep } from 'node:timers/promises';
import { ClientPublisher } from '../../drivers/kafka/client-publisher.ts';
import { silentLog } from '../../observe/log.ts';
import { publishMessages } from '../publish-messages.ts';
import { sampleEvents } from '../sample-events.ts';
import { type ChaosStage, chaosPartitions, chaosTopics } from './stage.ts';

/** Tells each message of the load from every other. */
export const numberHeader = 'chaos.number';
const tickMs = 100;
const timestampFirst = Date.UTC(2026, 0, 1);

/** A producer with a steady rate, one message in five bad. Each message is told from every other by a header. */
export class Load {
  readonly #publisher: ClientPublisher;
  readonly #rate: number;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  sent = 0;

  private constructor(publisher: ClientPublisher, rate: number) {
    this.#publisher = publisher;
    this.#rate = rate;
  }

  static async open(stage: ChaosStage, { rate, seed }: { rate: number; seed: number }): Promise<Load> {
    const publisher = await ClientPublisher.open({
      client: { brokers: stage.kafka.brokers, clientId: 'chaos-load', properties: {} },
      messageBytesMax: new Map([[chaosTopics.source, 2 ** 20]]),
      log: silentLog(),
      onFatal: (error) => {
        throw error;
      },
    });
    const load = new Load(publisher, rate);
    load.#running = load.#run(seed);
    return load;
  }

  /** Ends when everything that was sent is acknowledged. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#publisher.close();
  }

  async #run(seed: number): Promise<void> {
    const events = sampleEvents({ seed, invalid: 0.2 });
    const perTick = Math.ceil((this.#rate * tickMs) / 1_000);
    while (!this.#stop.signal.aborted) {
      const messages = Array.from({ length: perTick }, () => {
        const { key, value, headers } = events.next();
        const number = this.sent++;
        const mark = { name: numberHeader, value: Buffer.from(String(number)) };
        const partition = number % chaosPartitions;
        return { partition, offset: 0, epoch: 0, topic: 0, timestamp: timestampFirst + number, key, value, headers: [...headers, mark] };
      });
      // A broker that is away holds the load back, and nothing of it is lost.
      await publishMessages(this.#publisher, chaosTopics.source, messages);
      await sleep(tickMs);
    }
  }
}
