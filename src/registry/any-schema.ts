import { readFile } from 'node:fs/promises';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import { parsePointer } from './json-pointer.ts';
import { PlacedDocument } from './placed-document.ts';
import type { Remediation } from './remediation.ts';
import type { Rule } from './rules.ts';
import { parseSchemaFile } from './schema-file.ts';

/** A JSON Schema, and a way to say where in its file something stands: `FILE:LINE:COLUMN` of a JSON Pointer. */
export interface PlacedSchema {
  /** What a schema file says of itself; null for a bare schema. */
  readonly name: string | null;
  readonly owner: string | null;
  readonly schema: unknown;
  /** The rules of a schema file; a bare schema has none. */
  readonly rules: readonly Rule[];
  readonly remediation: Remediation | null;
  readonly placeOf: (pointer: string | null) => string;
}

/** Reads the JSON Schema of a file that holds either the bare schema or a schema file of ours, in JSON or YAML. */
export async function readAnySchema(path: string): Promise<PlacedSchema> {
  const text = await readText(path);
  const content = parseJson(text) ?? new PlacedDocument(text, path).value();
  if (isSchemaFile(content)) return parseSchemaFile(text, path);
  return {
    name: null,
    owner: null,
    schema: content,
    rules: [],
    remediation: null,
    placeOf: (pointer) => new PlacedDocument(text, path).placeOf(parsePointer(pointer ?? '')),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', `the schema ${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Undefined where the text is not JSON: then YAML has the word, whose errors have places. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A bare schema may hold any member as an annotation, but hardly these three together. */
function isSchemaFile(content: unknown): boolean {
  return typeof content === 'object' && content !== null && ['name', 'version', 'schema'].every((key) => Object.hasOwn(content, key));
}
