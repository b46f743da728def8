import { once } from 'node:events';
import type { LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { DataQuarantineError } from '../../lib/errors.ts';

const connectMsMax = 15_000;
/** Of syslog: from here down librdkafka speaks of what went wrong. */
const errorSeverity = 3;

/**
 * Connects a client within 15 s. Before it is connected nobody asks for its errors, so what it logs meanwhile, such as a refused login or a
 * certificate that does not fit, is the reason that the error gives.
 */
export async function connect(
  client: { connect(options: object, cb: (error: LibrdKafkaError | null) => void): unknown } & NodeJS.EventEmitter,
  brokers: string,
): Promise<void> {
  let lastReason = 'no answer';
  const remember = ({ message, severity }: { readonly message: string; readonly severity: number }) => {
    if (severity <= errorSeverity) lastReason = message.replace(/^\[thrd:[^\]]*\]: /, '');
  };
  client.on('event.log', remember);
  const ready = once(client, 'ready').catch(() => {});
  const failed = new Promise<LibrdKafkaError | null>((resolve) => client.connect({ timeout: connectMsMax }, resolve));
  const error = await failed;
  client.off('event.log', remember);
  if (error) {
    throw new DataQuarantineError('DQ_KAFKA_UNREACHABLE', `no broker of kafka.brokers (${brokers}) answered within 15 s: ${lastReason}`, {
      cause: error,
    });
  }
  await ready;
}
