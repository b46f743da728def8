import { GroupSource, type SourceOptions } from './group-source.ts';
import { NativeIntake } from './native-intake.ts';
import { laneProperties, type NativeLane, nameOfClient } from './native-lane.ts';

/** The reading half of the native lane. */
export class NativeSource extends GroupSource {
  /** Connects and subscribes. Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
  static async open(options: SourceOptions, lane: NativeLane): Promise<NativeSource> {
    const name = nameOfClient();
    const source = new NativeSource(options, laneProperties(lane, name, options.client.properties));
    await source.connect((membership) => new NativeIntake(membership, lane, name));
    return source;
  }
}
