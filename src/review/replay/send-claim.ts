import type { Publisher } from '../../drivers/kafka/lane.ts';
import { ByteWriter } from '../../lib/byte-writer.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { Slab } from '../../model/slab.ts';
import type { Log } from '../../observe/log.ts';
import { heldBack, type Settled } from '../../store/replayed-records.ts';
import type { JudgedRecord, Outgoing } from './judged-record.ts';

export interface SendOptions {
  readonly topic: string;
  readonly publisher: Pick<Publisher, 'publish'>;
  /** Asked before every round: may it still be sent? */
  readonly mayGoOn: () => boolean;
  /** Asked between rounds of what is still to go: holds those that a newer message of their key has overtaken. */
  readonly leaveOvertaken: (records: readonly JudgedRecord[]) => Promise<readonly JudgedRecord[]>;
  readonly log: Pick<Log, 'warn'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** A look asks every leader of the target, and a claim of one key has as many rounds as records: what came a moment ago may wait for it. */
const lookEveryMs = 250;

/**
 * Sends judged records of one claim. Records of one key go out one after another, each acknowledged before the next: in rounds, with one
 * record of each key in a round. What follows a failed record of its key fails with it; what was overtaken holds nobody up. What is not in
 * the answer was not sent.
 */
export async function sendClaim(judged: readonly JudgedRecord[], options: SendOptions): Promise<Settled[]> {
  const { topic, publisher, mayGoOn, clock } = options;
  let lookedMs = clock.monotonic();
  const settled: Settled[] = [];
  const failedChains = new Set<string>();
  const fail = ({ row }: JudgedRecord, message: string, attempted: boolean) => {
    settled.push({ ordinal: row.ordinal, state: 'failed', message, attempted });
    if (row.chain) failedChains.add(row.chain.toString('hex'));
  };
  for (let open = judged; open.length > 0 && mayGoOn(); ) {
    const { round, later } = nextRound(open);
    const going: Outgoing[] = [];
    for (const record of round) {
      if (record.row.chain && failedChains.has(record.row.chain.toString('hex'))) fail(record, heldBack, false);
      else if (record.held?.forecast === 'superseded')
        settled.push({ ordinal: record.row.ordinal, state: 'left_out', message: record.held.message, attempted: false });
      else if (record.held) fail(record, record.held.message, true);
      else going.push(record);
    }
    const refused = new Map((await publish(going, topic, publisher)).map(({ row, message }) => [row, message]));
    for (const [row, record] of going.entries()) {
      const message = refused.get(row);
      if (message === undefined) settled.push({ ordinal: record.row.ordinal, state: 'published', message: null, attempted: true });
      else fail(record, `${topic} refused it: ${message}`, true);
    }
    open = later;
    if (later.length > 0 && clock.monotonic() - lookedMs >= lookEveryMs) {
      open = await lookAgain(later, options);
      lookedMs = clock.monotonic();
    }
  }
  return settled;
}

/** Where it cannot be looked nothing more goes out, but what was sent by then has to be told: the records are none, and wait for another claim. */
async function lookAgain(records: readonly JudgedRecord[], { topic, leaveOvertaken, log }: SendOptions): Promise<readonly JudgedRecord[]> {
  try {
    return await leaveOvertaken(records);
  } catch (error) {
    log.warn(
      { err: error, topic },
      `replay: newer messages cannot be looked for in ${topic}: ${messageOf(error)}; what is not sent yet waits`,
    );
    return [];
  }
}

/** The first record of each key, and all that have none. */
function nextRound(records: readonly JudgedRecord[]): { round: JudgedRecord[]; later: JudgedRecord[] } {
  const keys = new Set<string>();
  const round: JudgedRecord[] = [];
  const later: JudgedRecord[] = [];
  for (const record of records) {
    const key = record.row.chain?.toString('hex');
    (key !== undefined && keys.has(key) ? later : round).push(record);
    if (key !== undefined) keys.add(key);
  }
  return { round, later };
}

async function publish(records: readonly Outgoing[], topic: string, publisher: SendOptions['publisher']) {
  if (records.length === 0) return [];
  const bytes = records.reduce((sum, { value, key, headers }) => sum + (value?.length ?? 0) + (key?.length ?? 0) + headers.length, 0);
  const slab = Slab.allocate(records.length, bytes);
  const writer = new ByteWriter(slab.bytes, 0);
  for (const { row, value, key, headers, timestamp } of records) {
    if (value) writer.raw(value);
    if (key) writer.raw(key);
    writer.raw(headers);
    const lengths = { valueBytes: value ? value.length : -1, keyBytes: key ? key.length : -1, headersBytes: headers.length };
    slab.add({ offset: row.ordinal, timestamp, partition: row.partition, topic: 0, epoch: 0, ...lengths });
  }
  const rows = Int32Array.from(records.keys());
  return publisher.publish({ topic, slab, rows, partitions: Int32Array.from(records, ({ partition }) => partition), keys: new Map() });
}
