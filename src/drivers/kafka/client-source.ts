import { ClientIntake } from './client-intake.ts';
import { GroupSource, type SourceOptions } from './group-source.ts';

/** The reading half of the client lane. */
export class ClientSource extends GroupSource {
  /** Connects and subscribes. Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
  static async open(options: SourceOptions): Promise<ClientSource> {
    const source = new ClientSource(options, {});
    await source.connect((membership) => new ClientIntake(membership, options));
    return source;
  }
}
