import { describe, expect, test } from 'vitest';
import type { CompatibilityMode } from '../../model/compatibility-mode.ts';
import { logicPairs } from '../../testing/compatibility-pairs/logic.ts';
import { scalarPairs } from '../../testing/compatibility-pairs/scalars.ts';
import { structurePairs } from '../../testing/compatibility-pairs/structures.ts';
import { compileInMemory } from '../compiler.ts';
import { compareSchemas } from './compare-schemas.ts';

/** What the comparison says, after its witnesses were given to the validator again. */
function judged(older: unknown, newer: unknown, mode: CompatibilityMode): boolean | null {
  const { compatible, findings } = compareSchemas(older, newer, mode);
  const [from, to] = mode === 'forward' ? [newer, older] : [older, newer];
  for (const { rule, witness } of findings) {
    if (rule === 'undecided') continue;
    expect({ witness, accepted: compileInMemory(from)(witness) }).toEqual({ witness, accepted: true });
    expect({ witness, refused: !compileInMemory(to)(witness) }).toEqual({ witness, refused: true });
  }
  return compatible;
}

describe.each([
  ['values, numbers and texts', scalarPairs],
  ['arrays and objects', structurePairs],
  ['unions, conditions and references', logicPairs],
])('of %s', (_, pairs) => {
  test.each(pairs)('%s', (_name, older, newer, backward, forward) => {
    if (backward !== null) expect({ backward: judged(older, newer, 'backward') }).toEqual({ backward });
    if (forward !== null) expect({ forward: judged(older, newer, 'forward') }).toEqual({ forward });
  });
});

test.each([
  ['a type that allows less', { type: 'number' }, { type: 'integer' }, 'keep type: number'],
  ['a type that lost null', { type: ['string', 'null'] }, { type: 'string' }, 'keep type: [string, null]'],
  ['another type', { type: 'string' }, { type: 'integer' }, 'allow both: type: [string, integer]'],
  ['another pattern', { pattern: '^[0-9]{6}$' }, { pattern: "^'[0-9]{8}$" }, "allow both: pattern: '^[0-9]{6}$|^''[0-9]{8}$'"],
  ['a new pattern', {}, { pattern: '^a$' }, 'leave the pattern out'],
])('%s comes with what to write instead', (_, older, newer, instead) => {
  const [finding] = compareSchemas(older, newer, 'backward').findings;
  expect(finding?.message).toContain(`Instead: ${instead}.`);
});
