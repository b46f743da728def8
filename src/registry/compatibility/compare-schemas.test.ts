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
