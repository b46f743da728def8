import type { Caller } from '../../model/access.ts';
import { parsePointer } from '../../registry/json-pointer.ts';
import type { EditableRow } from '../../store/edits.ts';
import type { Proposal } from '../contract/groups.ts';
import type { BulkEdits } from './bulk-edits.ts';
import { type Candidate, candidateRules } from './candidate-rules.ts';
import { readRules } from './change.ts';
import type { SchemaDocuments } from './schema-documents.ts';

const sampledMax = 200;
const proposalsMax = 10;
/** Rules that quote what stands in messages: for those who may read payloads. */
const quoting: ReadonlySet<string> = new Set(['map', 'rename']);

/** Repairs that a group's own newest records suggest, each tried on all of them; the one that mends most comes first. */
export async function proposeRepairs(
  fingerprint: string,
  { bulk, schemas }: { readonly bulk: BulkEdits; readonly schemas: SchemaDocuments },
  caller: Caller,
): Promise<Proposal[]> {
  const rows = await bulk.sample(fingerprint, sampledMax, caller);
  const [first] = rows;
  if (!first) return [];
  const schema = await schemas.find(first.schemaName, null);
  const values = await readValues(rows, bulk);
  const proposals: Proposal[] = [];
  for (const candidate of candidateRules(causeOf(first), { schema, values })) {
    if (caller.payloadRead || !quoting.has(candidate.rule.do)) proposals.push(await tried(candidate, rows, bulk));
  }
  return proposals
    .filter(({ mended }) => mended > 0)
    .sort((one, other) => other.mended - one.mended)
    .slice(0, proposalsMax);
}

async function tried({ rule, title }: Candidate, rows: readonly EditableRow[], bulk: BulkEdits): Promise<Proposal> {
  const rules = [rule];
  const outcomes = await bulk.outcomesOf(rows, readRules(rules), null);
  const mended = outcomes.filter(({ outcome }) => outcome === 'mended').length;
  return {
    kind: rule.do,
    title,
    rules,
    remediation: { version: 1, enabled: true, rules },
    sampled: rows.length,
    mended,
    coverage: Math.round((mended / rows.length) * 1_000) / 10,
  };
}

/** The sampled records that are JSON. */
async function readValues(rows: readonly EditableRow[], bulk: BulkEdits): Promise<unknown[]> {
  // A rule that changes nothing: the outcome carries the stored text.
  const outcomes = await bulk.outcomesOf(rows, { kind: 'patch', patch: [], source: '[]' }, null);
  return outcomes.flatMap(({ before }) => {
    try {
      return before ? [JSON.parse(before.toString()) as unknown] : [];
    } catch {
      return [];
    }
  });
}

function causeOf({ keyword, instancePath }: EditableRow): { keyword: string | null; path: readonly string[] } {
  return { keyword, path: parsePointer(instancePath ?? '') };
}
