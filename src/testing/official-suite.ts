import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../lib/package-root.ts';
import type { RegisteredText, RegisteredVersion } from '../model/registered-schema.ts';
import { bundleSchema } from '../registry/bundle-schema.ts';

export const suiteDrafts = ['draft7', 'draft2019-09', 'draft2020-12'] as const;
export type SuiteDraft = (typeof suiteDrafts)[number];

/** One schema of the official JSON Schema test suite, and documents with the right answers. */
export interface SuiteGroup {
  readonly file: string;
  readonly group: string;
  readonly schema: object | boolean;
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[];
}

/** Fetched by scripts/setup/schema-suite.mjs. */
const suite = join(packageRoot, '.cache/json-schema-test-suite-4.25.1');
/** Where the suite says that its further documents lie. Nothing answers there: they are files. */
const remotesUri = 'http://localhost:1234/';

/** The required tests of a draft. */
export function officialSuite(draft: SuiteDraft): SuiteGroup[] {
  if (!existsSync(suite)) throw new Error('the JSON Schema test suite is not in .cache: run "npm run setup"');
  const dir = join(suite, 'tests', draft);
  const files = readdirSync(dir).filter((file) => file.endsWith('.json'));
  return files.flatMap((file) => {
    const groups = JSON.parse(readFileSync(join(dir, file), 'utf8')) as (Omit<SuiteGroup, 'file' | 'group'> & { description: string })[];
    return groups.map(({ description, schema, tests }) => ({ file: file.replace('.json', ''), group: description, schema, tests }));
  });
}

/**
 * A schema with the documents that it refers to, put together as by the schema registry: each document is a subject of its own, and
 * each reference to one is listed under its whole URI.
 */
export async function bundled({ schema }: SuiteGroup): Promise<object | boolean> {
  const version = async (subject: string): Promise<RegisteredVersion> => {
    const text = readFileSync(pathOf(subject), 'utf8');
    return { ...registered(text, subject), id: 1, subject, version: 1 };
  };
  return (await bundleSchema(registered(JSON.stringify(schema), remotesUri), { version })) as object | boolean;
}

function registered(text: string, uri: string): RegisteredText {
  const documents = [...new Set(targetsIn(JSON.parse(text), uri))].filter((target) => target !== uri && isRemote(target));
  return { type: 'JSON', text, references: documents.map((document) => ({ name: document, subject: document, version: 1 })) };
}

/** The documents that references lead to, as URIs. */
function* targetsIn(part: unknown, outer: string): Generator<string> {
  if (typeof part !== 'object' || part === null) return;
  const { $id } = part as { $id?: unknown };
  const base = typeof $id === 'string' && URL.canParse($id, outer) ? new URL($id, outer).href : outer;
  for (const [name, value] of Object.entries(part)) {
    const isReference = (name === '$ref' || name === '$dynamicRef') && typeof value === 'string';
    if (!isReference) yield* targetsIn(value, base);
    else if (URL.canParse(value, base)) yield new URL(value, base).href.replace(/#.*$/, '');
  }
}

function isRemote(uri: string): boolean {
  return uri.startsWith(remotesUri) && uri.endsWith('.json') && existsSync(pathOf(uri));
}

function pathOf(uri: string): string {
  return join(suite, 'remotes', uri.slice(remotesUri.length));
}
