import { Connection, compressionsAlgorithms, crc32c, createAPI, produceV9, Writer } from '@platformatic/kafka';
import type { Header } from '../model/header.ts';

/** A record to write exactly as it is: null apart from empty everywhere, headers in any order and number, any timestamp. */
export interface RawRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** A name that is no text is given by its bytes. */
  readonly headers: readonly (Header | { readonly name: Buffer; readonly value: Buffer | null })[];
  readonly timestamp: number;
}

export interface BatchOptions {
  readonly codec?: 'none' | 'gzip' | 'snappy' | 'lz4';
  readonly offsetFirst?: number;
  /** The batch is a transaction marker. */
  readonly control?: boolean;
  /** Who wrote it; -1n, the default, for nobody in particular. */
  readonly producerId?: bigint;
  /** The batch is part of a transaction. */
  readonly transactional?: boolean;
  /** The broker put its own time into the batch: `timestampMax` stands for all timestamps. */
  readonly logAppendTime?: boolean;
  /** How far the offsets of the records lie from the first; compaction leaves gaps. */
  readonly offsetDeltas?: readonly number[];
  /** Stands for the encoded records, and `codecBits` for the codec: for batches that nobody should write. */
  readonly body?: Buffer;
  readonly codecBits?: number;
}

const headBytes = 61;

/**
 * A record batch of format 2, encoded by hand because no client at hand can write all that other clients may: the official one
 * loses null header values, the pure JavaScript one writes null keys and values as empty ones.
 */
export function encodeBatch(records: readonly RawRecord[], options: BatchOptions = {}): Buffer {
  const { codec = 'none', offsetFirst = 0, control = false, logAppendTime = false, transactional = false, producerId = -1n } = options;
  const deltas = options.offsetDeltas ?? records.map((_, index) => index);
  const timestamps = records.map(({ timestamp }) => timestamp);
  const first = timestamps[0] ?? 0;
  const plain = Buffer.concat(records.map((record, index) => encodeRecord(record, deltas[index] as number, record.timestamp - first)));
  const algorithm = compressionsAlgorithms[codec];
  const body = options.body ?? (codec === 'none' ? plain : algorithm.compressSync(plain));
  const batch = Buffer.alloc(headBytes + body.length);
  batch.writeBigInt64BE(BigInt(offsetFirst), 0);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(
    (options.codecBits ?? algorithm.bitmask) | (logAppendTime ? 8 : 0) | (transactional ? 16 : 0) | (control ? 32 : 0),
    21,
  );
  batch.writeInt32BE(deltas.at(-1) ?? 0, 23);
  batch.writeBigInt64BE(BigInt(first), 27);
  batch.writeBigInt64BE(BigInt(Math.max(...timestamps)), 35);
  batch.writeBigInt64BE(producerId, 43);
  batch.writeInt16BE(-1, 51);
  batch.writeInt32BE(-1, 53);
  batch.writeInt32BE(records.length, 57);
  body.copy(batch, headBytes);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

function encodeRecord({ key, value, headers }: RawRecord, offsetDelta: number, timestampDelta: number): Buffer {
  const parts = [Buffer.alloc(1), varint(timestampDelta), varint(offsetDelta), ...sized(key), ...sized(value), varint(headers.length)];
  for (const header of headers) parts.push(...sized(Buffer.from(header.name)), ...sized(header.value));
  const body = Buffer.concat(parts);
  return Buffer.concat([varint(body.length), body]);
}

function sized(bytes: Buffer | null): Buffer[] {
  return bytes === null ? [varint(-1)] : [varint(bytes.length), bytes];
}

function varint(value: number): Buffer {
  let left = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(left)]);
}

export interface RawProduce {
  /** `HOST:PORT` of the leader; with one broker, of that one. */
  readonly broker: string;
  readonly topic: string;
  readonly partition: number;
  /** A batch as {@link encodeBatch} makes it. */
  readonly batch: Buffer;
}

const produceKey = 0;
const acksAll = -1;
const answerMsMax = 30_000;

/** Writes a batch as it is and waits until the broker has it. */
export async function produceRaw({ broker, topic, partition, batch }: RawProduce): Promise<void> {
  const createRequest = () =>
    Writer.create()
      .appendString(null)
      .appendInt16(acksAll)
      .appendInt32(answerMsMax)
      .appendArray([topic], (topics, name) => {
        topics.appendString(name).appendArray([partition], (partitions, index) => {
          partitions
            .appendInt32(index)
            .appendUnsignedVarInt(batch.length + 1)
            .append(batch);
        });
      })
      .appendTaggedFields();
  const api = createAPI<[], unknown>(produceKey, produceV9.api.version, createRequest, produceV9.parseResponse);
  const [host = '', port = ''] = broker.split(':');
  const connection = new Connection('raw-producer');
  await connection.connect(host, Number(port));
  try {
    await api.async(connection);
  } finally {
    await connection.close();
  }
}
