import type { Fault } from '../model/verdict.ts';
import type { ValidateFunction } from '../registry/validator-runtime.ts';
import { plainFault, type SchemaIdentity } from './fault.ts';
import { Flaw, isStackOverflow, type JudgeLimits, readJson } from './read-json.ts';
import { violationFault } from './violation-fault.ts';

/** Judges one document against one schema; null: it is valid. The library and `dq validate` stand on this. */
export function judgeDocument(bytes: Buffer, validate: ValidateFunction, schema: SchemaIdentity, limits: JudgeLimits): Fault | null {
  const value = readJson(bytes, 0, bytes.length, limits);
  if (value instanceof Flaw) return plainFault(value.type, value.message, value.path);
  return judgeValue(value, validate, schema);
}

/** Judges a value that has been read. A validator that breaks down is a verdict too: one message never takes others with it. */
export function judgeValue(value: unknown, validate: ValidateFunction, schema: SchemaIdentity): Fault | null {
  try {
    if (validate(value)) return null;
    return violationFault(validate, value, schema);
  } catch (error) {
    if (isStackOverflow(error))
      return plainFault('too_deep', 'expected a value shallow enough for its schema to be followed', null, schema);
    return plainFault('validator_error', 'the validator of this schema broke down; the message was not judged', null, schema);
  }
}
