import { hasCode } from '../lib/errors.ts';
import { parseStoragePath } from './segment.ts';

/** Where the payload of a row lies. */
export interface Payload<Row> {
  readonly row: Row;
  readonly key: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Payloads of one segment that lie within `bytesMax` of each other, in order, are one read: a call costs more than the bytes between them.
 */
export function stretchesOf<Row extends { readonly storagePath: string }>(rows: readonly Row[], bytesMax: number): Payload<Row>[][] {
  const payloads = rows.map(payloadOf);
  payloads.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.offset - b.offset));
  const stretches: Payload<Row>[][] = [];
  for (const payload of payloads) {
    const stretch = stretches.at(-1);
    const [head] = stretch ?? [];
    if (stretch && head?.key === payload.key && payload.offset + payload.length - head.offset <= bytesMax) stretch.push(payload);
    else stretches.push([payload]);
  }
  return stretches;
}

/** Where a row says that its payload lies. A path that says nothing leads to an object that cannot be there. */
function payloadOf<Row extends { readonly storagePath: string }>(row: Row): Payload<Row> {
  try {
    const { key, place } = parseStoragePath(row.storagePath);
    return { row, key, ...place };
  } catch (error) {
    if (!hasCode(error, 'DQ_STORAGE_CORRUPT')) throw error;
    return { row, key: row.storagePath, offset: 0, length: 1 };
  }
}
