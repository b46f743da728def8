import { createRequire } from 'node:module';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import { linearPatterns, linearPatternsModule } from './patterns/linear-patterns.ts';

/** What ajv says of the first place where a value does not fit. Its params come from the schema, but for names of members. */
export interface SchemaError {
  readonly keyword: string;
  /** Where in its schema the keyword stands. */
  readonly schemaPath: string;
  /** JSON Pointer of the value that the keyword judged. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Does the value fit the schema? If not, `errors` holds why until the next call; the last of them is the outermost cause. */
export interface ValidateFunction {
  (value: unknown): boolean;
  readonly errors?: readonly SchemaError[] | null;
  /** The schema that it was generated from: what errors are explained with. */
  readonly schema?: unknown;
}

/** A generated validator: it imports nothing and is handed what it needs, so it can lie in any folder. */
export interface ValidatorModule {
  readonly digest: string;
  /** The schema in JSON. */
  readonly schemaText: string;
  link(require: (name: string) => unknown): ValidateFunction;
}

const nodeRequire = createRequire(import.meta.url);
const offered: ReadonlySet<string> = new Set(['ajv/dist/runtime/ucs2length', 'ajv/dist/runtime/equal', 'ajv-formats/dist/formats']);

/** Gives generated code the parts of ajv that it calls, the linear engine for patterns, and nothing else. */
function requireRuntime(name: string): unknown {
  if (name === linearPatternsModule) return { linearPatterns };
  if (!offered.has(name)) throw new Error(`generated code asks for ${name}, which is not offered to it`);
  return nodeRequire(name);
}

/** Loads a generated validator by its file URL. */
export async function loadValidator(url: string): Promise<ValidateFunction> {
  try {
    const module: ValidatorModule = await import(url);
    return withSchema(module.link(requireRuntime), module.schemaText);
  } catch (error) {
    throw new DataQuarantineError('DQ_SCHEMA_INVALID', `the generated validator ${url} does not load: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Most schemas of a service never refuse anything, so theirs is read when it is first asked for. */
function withSchema(validate: ValidateFunction, text: string): ValidateFunction {
  let schema: unknown;
  return Object.defineProperty(validate, 'schema', { get: (): unknown => (schema ??= JSON.parse(text) as unknown) });
}
