import { ClientTransport } from './client-transport.ts';
import { type PublisherOptions, RepairingPublisher } from './repairing-publisher.ts';

/** The writing half of the client lane. */
export class ClientPublisher extends RepairingPublisher {
  /** Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
  static async open(options: PublisherOptions): Promise<ClientPublisher> {
    const publisher = new ClientPublisher(options, (reports) => new ClientTransport(options, reports));
    await publisher.connect();
    return publisher;
  }
}
