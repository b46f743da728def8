import type { Reject } from '../model/delivery.ts';
import type { Fault } from '../model/verdict.ts';

/** Rejects as they cross the threads: numbers, and each fault once. An object a reject costs more than judging it. */
export interface RejectColumns {
  readonly rows: Int32Array;
  /** Index into `faults`, by reject. */
  readonly causes: Int32Array;
  /** Is the value JSON? One of {@link known}, by reject. */
  readonly json: Uint8Array;
  readonly faults: readonly Fault[];
}

const known = { no: 0, yes: 1, unasked: 2 } as const;

export function packRejects(rejects: readonly Reject[]): RejectColumns {
  const rows = new Int32Array(rejects.length);
  const causes = new Int32Array(rejects.length);
  const json = new Uint8Array(rejects.length);
  const numbers = new Map<Fault, number>();
  for (const [index, { row, fault, isJson }] of rejects.entries()) {
    let number = numbers.get(fault);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(fault, number);
    }
    rows[index] = row;
    causes[index] = number;
    json[index] = isJson === undefined ? known.unasked : isJson ? known.yes : known.no;
  }
  return { rows, causes, json, faults: [...numbers.keys()] };
}

export function unpackRejects({ rows, causes, json, faults }: RejectColumns): Reject[] {
  return Array.from(rows, (row, index) => {
    const fault = faults[causes[index] as number] as Fault;
    return json[index] === known.unasked ? { row, fault } : { row, fault, isJson: json[index] === known.yes };
  });
}
