import { createAPI, fetchV13, fetchV14, fetchV15, fetchV16, fetchV17, type Reader } from '@platformatic/kafka';
import type { WireApi } from './connections.ts';
import type { AbortedTransaction } from './record-batches.ts';

/** What a fetch of one partition gave: `batches` as they lie in the log, the last one perhaps cut off. */
export interface Fetched {
  readonly errorCode: number;
  /** One past the last record that consumers may see. */
  readonly highWatermark: number;
  /** The same for consumers that leave open transactions alone. */
  readonly lastStableOffset: number;
  /** Transactions of these batches that were aborted; named only where they were asked for. */
  readonly aborted: readonly AbortedTransaction[];
  readonly batches: Buffer;
}

type FetchArgs = Parameters<typeof fetchV17.createRequest>;

const fetchKey = 1;
const noBatches = Buffer.alloc(0);

/** The fetch request of Kafka 3.1 and later, answered with raw batches instead of the library's objects. Newest first. */
export const fetchApis: readonly WireApi<FetchArgs, Fetched>[] = (
  [
    [17, fetchV17.createRequest],
    [16, fetchV16.createRequest],
    [15, fetchV15.createRequest],
    [14, fetchV14.createRequest],
    [13, fetchV13.createRequest],
  ] as const
).map(([version, createRequest]) =>
  createAPI<FetchArgs, Fetched>(fetchKey, version, createRequest, (_correlationId, _apiKey, _apiVersion, reader) => parseFetched(reader)),
);

/** What of transactions is read, as the protocol counts it: everything, or what was committed. */
export const isolation = { all: 0, committed: 1 } as const;

export interface FetchFrom {
  readonly topicUuid: string;
  readonly partition: number;
  readonly offset: number;
  readonly bytesMax: number;
  readonly isolation: keyof typeof isolation;
}

/** The arguments of a request for one partition: its leader answers as soon as there is a byte, or after half a second. */
export function fetchArgs({ topicUuid, partition, offset, bytesMax, isolation: level }: FetchFrom): FetchArgs {
  const wanted = { partition, currentLeaderEpoch: -1, fetchOffset: BigInt(offset), lastFetchedEpoch: -1, partitionMaxBytes: bytesMax };
  return [500, 1, bytesMax, isolation[level], 0, -1, [{ topicId: topicUuid, partitions: [wanted] }], [], ''];
}

/** Reads as far as the batches of the one partition that was asked for; the tagged fields behind them are of no use here. */
function parseFetched(reader: Reader): Fetched {
  reader.readInt32(); // The time that the broker throttled us.
  const errorCode = reader.readInt16();
  reader.readInt32(); // The session, which was not asked for.
  const topics = reader.readUnsignedVarInt() - 1;
  if (errorCode !== 0 || topics < 1) return { errorCode, highWatermark: -1, lastStableOffset: -1, aborted: [], batches: noBatches };
  reader.readUUID();
  reader.readUnsignedVarInt(); // The number of partitions, which is 1.
  reader.readInt32();
  const partitionErrorCode = reader.readInt16();
  const highWatermark = Number(reader.readInt64());
  const lastStableOffset = Number(reader.readInt64());
  reader.readInt64(); // The start of the log.
  const aborted: AbortedTransaction[] = [];
  for (let left = reader.readUnsignedVarInt() - 1; left > 0; left--) {
    aborted.push({ producerId: reader.readInt64(), offsetFirst: Number(reader.readInt64()) });
    reader.skip(1); // No tagged fields.
  }
  reader.readInt32(); // The preferred replica.
  const bytes = reader.readUnsignedVarInt() - 1;
  const batches = bytes > 0 ? reader.buffer.slice(reader.position, reader.position + bytes) : noBatches;
  return { errorCode: partitionErrorCode, highWatermark, lastStableOffset, aborted, batches };
}
