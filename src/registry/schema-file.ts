import semver from 'semver';
import { DataQuarantineError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { isJsonPointer, parsePointer } from './json-pointer.ts';
import { PlacedDocument } from './placed-document.ts';
import { parseRemediation, type Remediation } from './remediation.ts';
import { parseRules } from './rule-list.ts';
import type { Rule } from './rules.ts';

/** The names that a schema may have. They are looked up, never joined to a path. */
export const schemaNamePattern = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/** A schema version as its file lays it out (docs/schema-files.md), and a way to say where in the file something stands. */
export interface SchemaFile {
  readonly name: string;
  readonly version: string;
  readonly schema: unknown;
  readonly owner: string | null;
  readonly description: string | null;
  /** JSON Pointer into a message: the text there is the key of a keyless one. */
  readonly key: string | null;
  /** Checks across fields, for messages that fit the schema. */
  readonly rules: readonly Rule[];
  /** How messages that do not fit are mended; null where nothing is said of it. */
  readonly remediation: Remediation | null;
  /** `FILE:LINE:COLUMN` of a place in the schema. */
  readonly placeOf: (pointer: string | null) => string;
}

interface Field {
  readonly required: boolean;
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isGroup = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isSchema = (value: unknown): boolean => typeof value === 'boolean' || (isGroup(value) && !Array.isArray(value));

const fields: ReadonlyMap<string, Field> = new Map<string, Field>([
  [
    'name',
    {
      required: true,
      expected: `a name that matches ${schemaNamePattern.source}`,
      fits: (value) => isText(value) && schemaNamePattern.test(value),
    },
  ],
  [
    'version',
    { required: true, expected: 'a semantic version such as 1.0.0', fits: (value) => isText(value) && semver.valid(value) === value },
  ],
  ['schema', { required: true, expected: 'a JSON Schema: an object or a boolean', fits: isSchema }],
  ['description', { required: false, expected: 'a text', fits: isText }],
  ['owner', { required: false, expected: 'a text', fits: isText }],
  ['key', { required: false, expected: 'a JSON Pointer such as /sensor_id', fits: (value) => isText(value) && isJsonPointer(value) }],
  ['rules', { required: false, expected: 'a list of rules', fits: Array.isArray }],
  ['remediation', { required: false, expected: 'a mapping with version, enabled and rules', fits: isSchema }],
]);

/** Reads the text of a schema file. Throws `DQ_SCHEMA_FILE_INVALID` with the place, what is wrong and what was expected. */
export function parseSchemaFile(text: string, file: string): SchemaFile {
  const document = new PlacedDocument(text, file);
  const content = document.value();
  const refuse = (place: string, why: string) => new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', `${place}: ${why}`);
  if (!isGroup(content) || Array.isArray(content)) throw refuse(document.placeOf([]), 'expected a mapping with name, version and schema');
  const given = content as Record<string, unknown>;
  for (const key of Object.keys(given)) {
    if (fields.has(key)) continue;
    const near = nearest(key, fields.keys());
    throw refuse(document.placeOfKey(key), `unknown key "${key}"${near === null ? '' : `; did you mean "${near}"?`}`);
  }
  for (const [key, { required, expected, fits }] of fields) {
    const value = Object.hasOwn(given, key) ? given[key] : undefined;
    if (value === undefined && required) throw refuse(document.placeOf([]), `the key "${key}" is missing: expected ${expected}`);
    if (value !== undefined && !fits(value)) throw refuse(document.placeOf([key]), `"${key}": expected ${expected}`);
  }
  return {
    name: given['name'] as string,
    version: given['version'] as string,
    schema: given['schema'],
    owner: (given['owner'] as string | undefined) ?? null,
    description: (given['description'] as string | undefined) ?? null,
    key: (given['key'] as string | undefined) ?? null,
    rules: parseRules(given['rules'], document),
    remediation: parseRemediation(given['remediation'], document),
    placeOf: (pointer) => document.placeOf(['schema', ...parsePointer(pointer ?? '')]),
  };
}
