import { Connection, deleteRecordsV2, offsetCommitV8 } from '@platformatic/kafka';
import { openWire } from '../drivers/kafka-wire/wire.ts';
import { brokers } from './broker.ts';

interface Place {
  readonly topic: string;
  readonly partition: number;
}

const answerMsMax = 30_000;

/** Commits for a group that has no members. */
export async function commitOffset(group: string, { topic, partition }: Place, offsetNext: number): Promise<void> {
  await ensureCoordinator(group, topic);
  const committed = { partitionIndex: partition, committedOffset: BigInt(offsetNext), committedLeaderEpoch: -1, committedMetadata: null };
  await withConnection((connection) =>
    offsetCommitV8.api.async(connection, group, -1, '', null, [{ name: topic, partitions: [committed] }]),
  );
}

/** Does at once what retention does in time: the records before `offset` are gone. */
export async function deleteRecordsBefore({ topic, partition }: Place, offset: number): Promise<void> {
  const partitions = [{ partitionIndex: partition, offset: BigInt(offset) }];
  await withConnection((connection) => deleteRecordsV2.api.async(connection, [{ name: topic, partitions }], answerMsMax));
}

/** A new cluster can keep no offsets before somebody has asked for the coordinator of a group. */
async function ensureCoordinator(group: string, topic: string): Promise<void> {
  const wire = await openWire({ brokers: [brokers()], client: {} });
  try {
    await wire.committed(group, [topic]);
  } finally {
    await wire.close();
  }
}

/** The cluster of a test run has one broker, which leads and coordinates all. */
async function withConnection(work: (connection: Connection) => Promise<unknown>): Promise<void> {
  const [host = '', port = ''] = brokers().split(':');
  const connection = new Connection('raw-requests');
  await connection.connect(host, Number(port));
  try {
    await work(connection);
  } finally {
    await connection.close();
  }
}
