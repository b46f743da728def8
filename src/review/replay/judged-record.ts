import { createHash } from 'node:crypto';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { Payloads } from '../../store/payloads.ts';
import type { PlanRecord } from '../../store/replay-plans.ts';
import { type Frame } from '../../store/segment.ts';
import type { Checked, ValueChecker } from '../../workers/value-checker.ts';
import type { Forecast } from '../contract/replays.ts';
import { attemptsOf, type HeaderFilter, replayHeaders } from './replay-headers.ts';
import { isTooLarge, partitionOf, type Target } from './target.ts';

/** A record of a plan as it would go out, or why it cannot. */
export type JudgedRecord = Outgoing | Held;

export interface Outgoing {
  readonly row: PlanRecord;
  readonly held: null;
  readonly timestamp: number;
  readonly key: Buffer | null;
  /** Null where the dead letter had none. */
  readonly value: Buffer | null;
  /** As packed by `packHeaders`. */
  readonly headers: Buffer;
  readonly partition: number;
  /** Equal for records of one key; null where there is none. */
  readonly chain: Buffer | null;
}

export interface Held {
  readonly row: PlanRecord;
  readonly held: { readonly forecast: Forecast; readonly message: string };
}

export interface JudgeRecordsOptions {
  readonly payloads: Pick<Payloads, 'frames'>;
  readonly checker: Pick<ValueChecker, 'check'>;
  readonly strip: HeaderFilter;
  /** What goes there must fit a schema. */
  readonly validTopic: string;
}

/** How often a record may be replayed in all, whatever it was by then: one that fails again comes back as another dead letter. */
export const attemptsMax = 3;

/** Which plan, where to, and by which schema version; null for the one that the pipeline would take now. */
export interface Judging {
  readonly planId: string;
  readonly target: Target;
  readonly schemaVersion: string | null;
}

/** Reads the records back and judges them as the pipeline would now, in their order. */
export async function judgeRecords(rows: readonly PlanRecord[], judging: Judging, options: JudgeRecordsOptions): Promise<JudgedRecord[]> {
  const { payloads, checker, strip, validTopic } = options;
  const frames = await payloads.frames(rows);
  const readable = frames.flatMap((frame, index) =>
    frame instanceof DataQuarantineError ? [] : [{ frame, row: rows[index] as PlanRecord }],
  );
  const verdicts = await checker.check(
    readable.map(({ frame: { key, headers, value }, row: { topic, schemaName } }) => {
      const { schemaVersion } = judging;
      const schema = schemaVersion !== null && schemaName !== null ? { name: schemaName, version: schemaVersion } : undefined;
      return { topic, key, headers, value, schema };
    }),
  );
  const verdictOf = new Map(readable.map(({ row }, index) => [row, verdicts[index]]));
  return rows.map((row, index): JudgedRecord => {
    const frame = frames[index] as Frame | DataQuarantineError;
    if (frame instanceof DataQuarantineError) return { row, held: { forecast: 'unreadable', message: frame.message } };
    const checked = verdictOf.get(row) as Checked;
    if (goesBackAsItIs(row, checked, judging.target.topic !== validTopic))
      return outgoing(row, { frame, derivedKey: null }, judging, strip);
    const { fault, mendedBy, key } = checked;
    if (fault) return { row, held: { forecast: 'still_fails', message: fault.error_message } };
    if (mendedBy.length > 0) {
      const message = `it fits with the rules ${mendedBy.join(', ')} of its schema alone: make a bulk repair with them first`;
      return { row, held: { forecast: 'still_fails', message } };
    }
    return outgoing(row, { frame, derivedKey: key }, judging, strip);
  });
}

/**
 * A dead letter of another system goes back byte for byte unless a schema that is known here refuses it as it is. No schema of ours was ever
 * promised for its topic, so to have none is no fault.
 */
function goesBackAsItIs({ family, schemaName }: PlanRecord, { fault, schema, mendedBy }: Checked, isElsewhere: boolean): boolean {
  if (family === null || !isElsewhere) return false;
  return (fault === null && mendedBy.length === 0) || (schemaName === null && schema === null);
}

function outgoing(
  row: PlanRecord,
  { frame, derivedKey }: { frame: Frame; derivedKey: Buffer | null },
  { planId, target }: Judging,
  strip: HeaderFilter,
): JudgedRecord {
  const key = derivedKey ?? frame.key;
  const before = row.attempts + (row.family === null ? 0 : attemptsOf(frame.headers));
  if (before >= attemptsMax) return { row, held: { forecast: 'attempts_used', message: `it was replayed ${before} times before` } };
  const headers = replayHeaders(frame.packedHeaders, strip, { planId, recordId: row.recordId, attempt: before + 1 });
  const value = row.valueIsNull && frame.value.length === 0 ? null : frame.value;
  if (isTooLarge(target, frame.value.length + (key?.length ?? 0) + headers.length)) {
    const message = `it is larger than ${target.topic} takes (max.message.bytes ${target.messageBytesMax})`;
    return { row, held: { forecast: 'too_large', message } };
  }
  if (target.keyRequired && key === null)
    return { row, held: { forecast: 'still_fails', message: `${target.topic} is compacted and takes no message without a key` } };
  const partition = partitionOf(target, { partition: row.partition, placeIsKnown: row.placeIsKnown, key: frame.key, derivedKey });
  const chain = key && chainOf(row.topic, key);
  return { row, held: null, timestamp: frame.timestamp, key, value, headers, partition, chain };
}

/** The same for all records of one key in one source topic. */
export function chainOf(topic: string, key: Buffer): Buffer {
  return createHash('sha256').update(`${topic}\0`).update(key).digest().subarray(0, 16);
}
