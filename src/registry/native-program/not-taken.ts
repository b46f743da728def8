import { formatPointer } from '../json-pointer.ts';

/** Thrown where a schema says what the native engine is not sure to understand as ajv does. */
export class NotTaken extends Error {
  constructor(path: readonly string[], reason: string) {
    super(path.length === 0 ? reason : `at ${formatPointer(path)}: ${reason}`);
  }
}
