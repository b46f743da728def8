import { parentPort, workerData } from 'node:worker_threads';
import { DataQuarantineError } from '../lib/errors.ts';
import { compareSchemas } from '../registry/compatibility/compare-schemas.ts';
import type { ComparisonAnswer, ComparisonTask } from './compare-apart.ts';

parentPort?.postMessage(answerOf(workerData as ComparisonTask));

function answerOf({ older, newer, mode }: ComparisonTask): ComparisonAnswer {
  try {
    return { compatibility: compareSchemas(older, newer, mode) };
  } catch (error) {
    if (error instanceof DataQuarantineError) return { error: error.toWire() };
    throw error;
  }
}
