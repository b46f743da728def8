import { assert } from '../lib/assert.ts';
import { ByteWriter } from '../lib/byte-writer.ts';
import { uuid5, uuid5Of, uuidBytes } from '../lib/uuid5.ts';

/** What makes a source message the one that it is. A topic that is deleted and made again under its name has another topic id. */
export interface SourceIdentity {
  /** Kafka's own ids, as the broker says them. */
  readonly clusterId: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

/** The ids of a cluster and of its topics, by name. */
export interface ClusterIdentity {
  readonly clusterId: string;
  readonly topics: ReadonlyMap<string, { readonly topicId: string }>;
}

/** Our namespace for record ids. It may never change: every id that was ever given hangs on it. */
const recordNamespace = uuidBytes('3d7c7a2e-52c1-4c58-9f0b-6f2b1d0c9a41');

/**
 * The id of a quarantined message: the UUIDv5, in our namespace `3d7c7a2e-52c1-4c58-9f0b-6f2b1d0c9a41`, of the name
 * `<cluster id>/<topic id>/<partition>/<offset>`, numbers in decimal. The same source message has the same id however often,
 * and by whichever instance, it is processed.
 */
export function recordId({ clusterId, topicId, partition, offset }: SourceIdentity): string {
  return uuid5(recordNamespace, `${clusterId}/${topicId}/${partition}/${offset}`);
}

/** Gives record ids by the names of topics. */
export function createRecordId({ clusterId, topics }: ClusterIdentity): (topic: string, partition: number, offset: number) => string {
  const names = new Map<string, ByteWriter>();
  return (topic, partition, offset) => {
    let name = names.get(topic);
    if (!name) {
      const topicId = topics.get(topic)?.topicId;
      assert(topicId !== undefined, 'a message came from a topic that the cluster was not asked about');
      name = nameWriter(`${clusterId}/${topicId}/`);
      names.set(topic, name);
    }
    const start = name.at;
    name.decimal(partition);
    name.raw(slash);
    name.decimal(offset);
    const id = uuid5Of(name.bytes.subarray(0, name.at));
    name.at = start;
    return id;
  };
}

const slash = Buffer.from('/');
/** Bytes of a partition and an offset with the slash between them, at most. */
const numbersBytesMax = 40;

/** Stands behind the namespace and the part of a name that all records of a topic share. */
function nameWriter(shared: string): ByteWriter {
  const start = Buffer.concat([recordNamespace, Buffer.from(shared, 'utf8')]);
  return new ByteWriter(Buffer.concat([start, Buffer.alloc(numbersBytesMax)]), start.length);
}
