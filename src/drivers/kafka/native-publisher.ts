import type { NativeLane } from './native-lane.ts';
import { NativeTransport } from './native-transport.ts';
import { type PublisherOptions, RepairingPublisher } from './repairing-publisher.ts';

/** The writing half of the native lane. */
export class NativePublisher extends RepairingPublisher {
  /** Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
  static async open(options: PublisherOptions, lane: NativeLane): Promise<NativePublisher> {
    const publisher = new NativePublisher(options, (reports) => new NativeTransport(options, reports, lane));
    await publisher.connect();
    return publisher;
  }
}
