import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { DataQuarantineError, type ErrorWire } from '../lib/errors.ts';
import type { CompatibilityMode } from '../model/compatibility-mode.ts';
import type { Compatibility } from '../registry/compatibility/compare-schemas.ts';
import { builtFile } from './built-file.ts';

export interface ComparisonTask {
  readonly older: unknown;
  readonly newer: unknown;
  readonly mode: CompatibilityMode;
}

/** Errors do not cross threads as what they are. */
export type ComparisonAnswer = { readonly compatibility: Compatibility } | { readonly error: ErrorWire };

const answerMsMax = 30_000;
const heapMbMax = 512;

/**
 * Compares two schemas in a thread of its own, which ends with it: what somebody sends may take long, and its code stays nowhere. Throws
 * `DQ_SCHEMA_INVALID` for a schema that does not compile, and for one that is not compared in time.
 */
export async function compareApart(task: ComparisonTask): Promise<Compatibility> {
  const worker = new Worker(builtFile('compare-worker'), { workerData: task, resourceLimits: { maxOldGenerationSizeMb: heapMbMax } });
  try {
    const [answer] = (await once(worker, 'message', { signal: AbortSignal.timeout(answerMsMax) })) as [ComparisonAnswer];
    if ('error' in answer) throw DataQuarantineError.fromWire(answer.error);
    return answer.compatibility;
  } catch (error) {
    if (error instanceof DataQuarantineError) throw error;
    throw new DataQuarantineError('DQ_SCHEMA_INVALID', `the schemas could not be compared within ${answerMsMax / 1_000} s`, {
      cause: error,
    });
  } finally {
    await worker.terminate();
  }
}
