import { DataQuarantineError } from './lib/errors.ts';
import type { Engine, Fault, Verdict } from './model/verdict.ts';
import { compileInMemory, compileNative } from './registry/compiler.ts';
import { type Remediation, type RemediationInput, readRemediation } from './registry/remediation.ts';
import { type CompiledRule, compileRule, type Rule, withRules } from './registry/rules.ts';
import type { ValidateFunction } from './registry/validator-runtime.ts';
import { noSchema } from './workers/fault.ts';
import { type Finding, findingsIn } from './workers/findings.ts';
import { judgeDocument } from './workers/judge.ts';
import { mendValue } from './workers/mend-value.ts';
import { nativeDocumentJudge } from './workers/native-judge.ts';
import { defaultLimits } from './workers/read-json.ts';

export { DataQuarantineError, type ErrorCode } from './lib/errors.ts';
export type { Engine, ErrorType, Verdict } from './model/verdict.ts';
export type { RemediationInput } from './registry/remediation.ts';
export type { Rule } from './registry/rules.ts';
export type { Finding } from './workers/findings.ts';

export interface ValidatorOptions {
  /** `auto` takes the fastest engine that takes the schema. */
  readonly engine?: 'auto' | Engine;
  /** Checks across fields, as in the `rules` of a schema file, for documents that fit the schema. JavaScript judges them. */
  readonly rules?: readonly Rule[];
  /** How documents that do not fit are mended, as in the `remediation` of a schema file; nothing is unless it is enabled. */
  readonly remediation?: RemediationInput;
}

/** A document after remediation. What no rule names has every byte as it was. */
export interface Remediated {
  readonly bytes: Uint8Array;
  readonly rules: readonly string[];
}

/** Judges documents against one schema, as the service does. */
export interface Validator {
  /**
   * `native`: native code says yes where it is sure, and JavaScript has the last word on all else; each verdict says who answered.
   * `js`: JavaScript alone.
   */
  readonly engine: Engine;
  /** Judges the bytes of one JSON document. It never throws for what the bytes are: that is the verdict. Anything but bytes is a TypeError. */
  validate(bytes: Uint8Array): Verdict;
  /** What remediation makes of a document that does not fit, and by which rules (`name@version`); null where it does not fit then either. */
  remediate(bytes: Uint8Array): Remediated | null;
  /**
   * All that is wrong with one JSON document, in the order in which it was found, branches of alternatives too; empty if nothing is.
   * For documents at hand: it takes as long as there are errors, of which it returns the first hundred.
   */
  explain(bytes: Uint8Array): readonly Finding[];
}

/**
 * Compiles a JSON Schema (draft-07, 2019-09 or 2020-12 by its `$schema`, draft-07 without one) into a validator. Unknown keywords are
 * annotations, formats are asserted, only own members count. The schema is copied: changing it later changes nothing. References
 * are followed inside the schema only. This evaluates generated code; the service does not.
 *
 * Throws a {@link DataQuarantineError} with code `DQ_SCHEMA_INVALID` if the schema cannot be compiled, and with code
 * `DQ_SCHEMA_NOT_NATIVE` if the native engine was asked for and does not take it.
 */
export function createValidator(schema: object | boolean, options: ValidatorOptions = {}): Validator {
  const { engine = 'auto', rules = [] } = options;
  const remediation = remediationOf(options.remediation);
  if (!engines.includes(engine)) throw new DataQuarantineError('DQ_CONFIG_INVALID', `"engine" is one of ${engines.join(', ')}`);
  const compiledRules = rules.map(ruleOf);
  const validate = withRules(compileInMemory(schema), compiledRules);
  let thorough: ValidateFunction | null = null;
  const accepts = engine === 'js' ? 'not asked for' : rules.length > 0 ? 'the native engine takes no rules' : nativeJudgeOf(schema);
  if (engine === 'native' && typeof accepts === 'string') {
    throw new DataQuarantineError('DQ_SCHEMA_NOT_NATIVE', `${accepts}; use the engine "auto" or "js"`);
  }
  const mend = (document: Buffer, fault: Fault) =>
    remediation && fault.error_type === 'schema_violation'
      ? mendValue(document, { ...noSchema, validate, remediation }, defaultLimits)
      : null;
  return {
    engine: typeof accepts === 'string' ? 'js' : 'native',
    validate(bytes) {
      const document = documentOf(bytes);
      if (typeof accepts === 'function' && accepts(document)) return valid.native;
      const fault = judgeDocument(document, validate, noSchema, defaultLimits);
      if (fault === null) return valid.js;
      if (mend(document, fault)) return remediated;
      const { outcome, error_type, error_message, field_path, instance_path } = fault;
      return { outcome, error_type, error_message, field_path, instance_path, engine: 'js' };
    },
    remediate(bytes) {
      const document = documentOf(bytes);
      const fault = judgeDocument(document, validate, noSchema, defaultLimits);
      const mended = fault && mend(document, fault);
      return mended && { bytes: Buffer.from(mended.text), rules: mended.rules };
    },
    explain(bytes) {
      thorough ??= withRules(compileInMemory(schema, true), compiledRules);
      return findingsIn(documentOf(bytes), thorough, defaultLimits);
    },
  };
}

/** The native judge of a schema, or why there is none. */
function nativeJudgeOf(schema: object | boolean): ReturnType<typeof nativeDocumentJudge> {
  const native = compileNative(schema);
  if ('declined' in native) return `the native engine does not take the schema: ${native.declined}`;
  return nativeDocumentJudge(native.program, defaultLimits);
}

/** Null where nothing is mended. */
function remediationOf(given: RemediationInput | undefined): Remediation | null {
  if (given === undefined) return null;
  const read = readRemediation(given);
  if ('why' in read) throw new DataQuarantineError('DQ_SCHEMA_INVALID', `"remediation": ${read.why}`);
  return read.enabled ? read : null;
}

function ruleOf(rule: Rule): CompiledRule {
  const compiled = compileRule(rule);
  if (!('position' in compiled)) return compiled;
  const message = `the rule "${rule.name}", at character ${compiled.position + 1}: ${compiled.message}`;
  throw new DataQuarantineError('DQ_SCHEMA_INVALID', message);
}

function documentOf(bytes: Uint8Array): Buffer {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('a validator takes the bytes of a document: validate(Buffer.from(text))');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const engines: readonly string[] = ['auto', 'native', 'js'];

const valid: Readonly<Record<Engine, Verdict>> = { native: validBy('native'), js: validBy('js') };
const remediated: Verdict = Object.freeze({ ...valid.js, remediated: true as const });

function validBy(engine: Engine): Verdict {
  return Object.freeze({ outcome: 'valid', error_type: null, error_message: null, field_path: null, instance_path: null, engine });
}
