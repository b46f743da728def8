import type { ErrorType } from '../model/verdict.ts';
import type { ValidateFunction } from '../registry/validator-runtime.ts';
import { explain } from './explain.ts';
import { dottedPath, pointerPath } from './json-path.ts';
import { Flaw, type JudgeLimits, readJson } from './read-json.ts';

/** One of the things that are wrong with a document, in the words of a verdict. */
export interface Finding {
  readonly error_type: ErrorType;
  readonly error_message: string;
  readonly field_path: string | null;
  readonly instance_path: string | null;
  /** The JSON Schema keyword that refused, null where no schema did. */
  readonly keyword: string | null;
}

const findingsMax = 100;

/** All that `validate`, which must not stop at its first error, finds wrong with a document. Errors of equal words and place are one. */
export function findingsIn(bytes: Buffer, validate: ValidateFunction, limits: JudgeLimits): readonly Finding[] {
  const value = readJson(bytes, 0, bytes.length, limits);
  if (value instanceof Flaw) {
    const { type, message, path } = value;
    const paths = { field_path: path && dottedPath(path), instance_path: path && pointerPath(path) };
    return [{ error_type: type, error_message: message, ...paths, keyword: null }];
  }
  if (validate(value)) return [];
  const findings = new Map<string, Finding>();
  for (const error of validate.errors ?? []) {
    if (findings.size === findingsMax) break;
    const { keyword, message, path } = explain(error, value, validate.schema);
    const paths = { field_path: dottedPath(path), instance_path: pointerPath(path) };
    findings.set(`${message}\n${paths.instance_path}`, { error_type: 'schema_violation', error_message: message, ...paths, keyword });
  }
  return [...findings.values()];
}
