import { once } from 'node:events';
import type { LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { DataQuarantineError } from '../../lib/errors.ts';

const connectMsMax = 15_000;

/** Connects a client within 15 s; what it logs meanwhile is the reason that the error gives. */
export async function connect(
  client: { connect(options: object, cb: (error: LibrdKafkaError | null) => void): unknown } & NodeJS.EventEmitter,
  brokers: string,
): Promise<void> {
  let lastReason = 'no answer';
  const remember = (error: LibrdKafkaError) => {
    lastReason = error.message;
  };
  client.on('event.error', remember);
  const ready = once(client, 'ready').catch(() => {});
  const failed = new Promise<LibrdKafkaError | null>((resolve) => client.connect({ timeout: connectMsMax }, resolve));
  const error = await failed;
  client.off('event.error', remember);
  if (error) {
    throw new DataQuarantineError('DQ_KAFKA_UNREACHABLE', `no broker of kafka.brokers (${brokers}) answered within 15 s: ${lastReason}`, {
      cause: error,
    });
  }
  await ready;
}
