import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../lib/package-root.ts';

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
const suite = join(packageRoot, '.cache/json-schema-suite-4.25.1/tests');

/** The required tests of a draft. */
export function officialSuite(draft: SuiteDraft): SuiteGroup[] {
  if (!existsSync(suite)) throw new Error('the JSON Schema test suite is not in .cache: run "npm run setup"');
  const dir = join(suite, draft);
  const files = readdirSync(dir).filter((file) => file.endsWith('.json'));
  return files.flatMap((file) => {
    const groups = JSON.parse(readFileSync(join(dir, file), 'utf8')) as (Omit<SuiteGroup, 'file' | 'group'> & { description: string })[];
    return groups.map(({ description, schema, tests }) => ({ file: file.replace('.json', ''), group: description, schema, tests }));
  });
}
