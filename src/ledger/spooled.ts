import { readSpool } from '../drivers/spool/read-spool.ts';
import { spoolFolder } from '../drivers/spool/spool-folder.ts';
import { decodeSpooled } from '../store/spooled-record.ts';

export interface SpooledOptions {
  /** The folders of the settings (`spool.dir`), one for each machine that has one. */
  readonly dirs: readonly string[];
  readonly clusterId: string;
  readonly group: string;
  /** Null for topics that are not asked about. A record of an earlier topic of the same name has another id, and is left out. */
  readonly identify: (topic: string, partition: number, offset: number) => string | null;
}

/** Says of a source record whether it waits in a spool: 48 bits of the SHA-256 of its payload, null if it does not. */
export type FindSpooled = (topic: string, partition: number, offset: number) => number | null;

export function payloadMark(sha256: Buffer): number {
  return sha256.readUIntBE(0, 6);
}

/**
 * Reads the spools as they are now. It must be asked before the rows and after the committed offsets are read: what a running
 * instance drains meanwhile is then found in the rows.
 */
export async function readSpooled({ dirs, clusterId, group, identify }: SpooledOptions): Promise<FindSpooled> {
  const marks = new Map<string, Map<number, number>>();
  for (const dir of dirs) {
    for await (const records of readSpool(spoolFolder(dir, { clusterId, group }))) {
      for (const { id, topic, partition, offset, payloadSha256 } of records.map(decodeSpooled)) {
        if (identify(topic, partition, offset) !== id) continue;
        const key = `${topic}/${partition}`;
        const ofPartition = marks.get(key) ?? new Map<number, number>();
        marks.set(key, ofPartition.set(offset, payloadMark(payloadSha256)));
      }
    }
  }
  return (topic, partition, offset) => marks.get(`${topic}/${partition}`)?.get(offset) ?? null;
}
