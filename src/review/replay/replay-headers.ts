import { type Header, packed } from '../../model/header.ts';

/** Ours, from earlier stays in quarantine. What names a schema is the producer's and stays. */
const ownHeaders: readonly string[] = [
  'dq.id',
  'dq.original.*',
  'dq.error.*',
  'dq.failed.at',
  'dq.replay.*',
  'dq.payload.ref',
  'dq.remediated',
];

export interface ReplayMark {
  readonly planId: string;
  readonly recordId: string;
  /** Counts from 1. */
  readonly attempt: number;
}

/**
 * The packed headers of a message that is published again: its own without the stripped ones, byte for byte, then the mark of the replay.
 * A mark of an earlier replay is replaced.
 */
export function replayHeaders(packedHeaders: Buffer, strip: HeaderFilter, { planId, recordId, attempt }: ReplayMark): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at < packedHeaders.length; ) {
    const nameAt = at + 4;
    const valueAt = nameAt + packedHeaders.readInt32LE(at) + 4;
    const end = valueAt + Math.max(0, packedHeaders.readInt32LE(valueAt - 4));
    if (!strip(packedHeaders.toString('utf8', nameAt, valueAt - 4))) kept.push(packedHeaders.subarray(at, end));
    at = end;
  }
  const mark = { 'dq.replay.id': planId, 'dq.replay.attempt': String(attempt), 'dq.replay.of': recordId };
  return Buffer.concat([...kept, packed(Object.entries(mark).map(([name, text]) => ({ name, value: Buffer.from(text) })))]);
}

/** Is a header of that name left out? */
export type HeaderFilter = (name: string) => boolean;

/** Ours and those of the patterns: names, or the beginnings of names with `*`. Upper and lower case are one. */
export function createHeaderFilter(patterns: readonly string[]): HeaderFilter {
  const all = [...ownHeaders, ...patterns].map((pattern) => pattern.toLowerCase());
  const names = new Set(all.filter((pattern) => !pattern.endsWith('*')));
  const beginnings = all.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return (name) => {
    const lower = name.toLowerCase();
    return names.has(lower) || beginnings.some((beginning) => lower.startsWith(beginning));
  };
}

/** How often a message was replayed that came back as a dead letter of another system. */
export function attemptsOf(headers: readonly Header[]): number {
  const text = headers.findLast(({ name }) => name === 'dq.replay.attempt')?.value?.toString('latin1') ?? '';
  return /^\d{1,4}$/.test(text) ? Number(text) : 0;
}

/** The mark of a replay in a record of the target, null where it has none. */
export function markOf(headers: readonly Header[]): { planId: string; recordId: string } | null {
  const text = (name: string) => headers.findLast((header) => header.name === name)?.value?.toString();
  const [planId, recordId] = [text('dq.replay.id'), text('dq.replay.of')];
  return planId === undefined || recordId === undefined ? null : { planId, recordId };
}
