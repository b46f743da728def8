import { describe, expect, test } from 'vitest';
import { createValidator, DataQuarantineError, type Validator } from './index.ts';
import { lintSchema } from './registry/compiler.ts';
import { bundled, officialSuite, type SuiteDraft, type SuiteGroup } from './testing/official-suite.ts';

/** With all that it refers to, and its validator; null where it is refused. */
async function read(one: SuiteGroup): Promise<{ readonly schema: object | boolean; readonly js: Validator } | null> {
  try {
    const schema = await bundled(one);
    return { schema, js: createValidator(schema, { engine: 'js' }) };
  } catch (error) {
    if (error instanceof DataQuarantineError) return null;
    throw error;
  }
}

const bytesOf = (data: unknown): Buffer => Buffer.from(JSON.stringify(data));

/** Where a verdict is not the suite's: how many tests of a group. docs/json-schema.md tells them by cause. */
const deviations: Readonly<Record<SuiteDraft, Readonly<Record<string, number>>>> = {
  draft7: {
    'properties: properties whose names are Javascript object property names': 1,
    'ref: $ref prevents a sibling $id from changing the base uri': 2,
    'required: required properties whose names are Javascript object property names': 1,
  },
  'draft2019-09': {
    'properties: properties whose names are Javascript object property names': 1,
    'recursiveRef: $recursiveRef with no $recursiveAnchor in the initial target schema resource': 2,
    'required: required properties whose names are Javascript object property names': 1,
    'unevaluatedItems: unevaluatedItems can see annotations from if without then and else': 1,
    'unevaluatedItems: unevaluatedItems with nested items': 2,
    'unevaluatedProperties: unevaluatedProperties can see annotations from if without then and else': 1,
    'unevaluatedProperties: unevaluatedProperties with if/then/else, then not defined': 1,
    'vocabulary: ignore unrecognized optional vocabulary': 2,
    'vocabulary: schema that uses custom metaschema with with no validation vocabulary': 3,
  },
  'draft2020-12': {
    'dynamicRef: $dynamicRef points to a boolean schema': 1,
    'dynamicRef: $dynamicRef skips over intermediate resources - direct reference': 1,
    'dynamicRef: $ref and $dynamicAnchor are independent of order - $defs first': 1,
    'dynamicRef: $ref and $dynamicAnchor are independent of order - $ref first': 1,
    'dynamicRef: $ref to $dynamicRef finds detached $dynamicAnchor': 2,
    'dynamicRef: A $dynamicRef resolves to the first $dynamicAnchor still in scope that is encountered when the schema is evaluated': 1,
    'dynamicRef: A $dynamicRef that initially resolves to a schema with a matching $dynamicAnchor resolves to the first $dynamicAnchor in the dynamic scope': 2,
    'dynamicRef: A $dynamicRef that initially resolves to a schema without a matching $dynamicAnchor behaves like a normal $ref to $anchor': 1,
    'dynamicRef: A $dynamicRef to a $dynamicAnchor in the same schema resource behaves like a normal $ref to an $anchor': 1,
    'dynamicRef: A $dynamicRef to an $anchor in the same schema resource behaves like a normal $ref to an $anchor': 1,
    'dynamicRef: A $dynamicRef with a non-matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor': 1,
    "dynamicRef: A $dynamicRef with intermediate scopes that don't include a matching $dynamicAnchor does not affect dynamic scope resolution": 1,
    'dynamicRef: A $dynamicRef without a matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor': 1,
    'dynamicRef: A $dynamicRef without anchor in fragment behaves identical to $ref': 1,
    'dynamicRef: An $anchor with the same name as a $dynamicAnchor is not used for dynamic scope resolution': 1,
    'dynamicRef: after leaving a dynamic scope, it is not used by a $dynamicRef': 3,
    'dynamicRef: multiple dynamic paths to the $dynamicRef keyword': 2,
    'dynamicRef: tests for implementation dynamic anchor and reference link': 1,
    'properties: properties whose names are Javascript object property names': 1,
    'required: required properties whose names are Javascript object property names': 1,
    'unevaluatedItems: unevaluatedItems and contains interact to control item dependency relationship': 4,
    'unevaluatedItems: unevaluatedItems can see annotations from if without then and else': 1,
    'unevaluatedItems: unevaluatedItems depends on adjacent contains': 1,
    'unevaluatedItems: unevaluatedItems depends on multiple nested contains': 1,
    'unevaluatedItems: unevaluatedItems with $dynamicRef': 1,
    'unevaluatedItems: unevaluatedItems with nested items': 2,
    'unevaluatedProperties: unevaluatedProperties can see annotations from if without then and else': 1,
    'unevaluatedProperties: unevaluatedProperties with $dynamicRef': 1,
    'unevaluatedProperties: unevaluatedProperties with if/then/else, then not defined': 1,
    'vocabulary: ignore unrecognized optional vocabulary': 2,
    'vocabulary: schema that uses custom metaschema with with no validation vocabulary': 3,
  },
};

/** Format is asserted here, on purpose; in 2020-12 the suite takes it for an annotation. Such tests count as wrong. */
const byDesign = (group: string): boolean => group.endsWith(' format');

describe('the official test suite, in JavaScript', () => {
  test.each([
    ['draft7', 0.995],
    ['draft2019-09', 0.988],
    ['draft2020-12', 0.953],
  ] as const)('%s: the known deviations and no others, and at least %f of all required tests right', async (draft, least) => {
    const found: Record<string, number> = {};
    let all = 0;
    let right = 0;
    const silent: string[] = [];
    for (const one of officialSuite(draft)) {
      const taken = await read(one);
      const isRight = ({ data, valid }: SuiteGroup['tests'][number]) =>
        taken !== null && (taken.js.validate(bytesOf(data)).outcome === 'valid') === valid;
      const good = one.tests.filter(isRight).length;
      all += one.tests.length;
      right += good;
      if (good === one.tests.length || byDesign(one.group)) continue;
      found[`${one.file}: ${one.group}`] = one.tests.length - good;
      if (taken !== null && lintSchema(taken.schema).length === 0) silent.push(one.group);
    }
    expect(found).toEqual(deviations[draft]);
    // Whoever writes such a schema hears of it from `dq schemas check`.
    expect(silent).toEqual([]);
    expect(right / all).toBeGreaterThanOrEqual(least);
  });
});

describe('the official test suite, natively', () => {
  test.each([
    ['draft7', 0.85],
    ['draft2019-09', 0.65],
    ['draft2020-12', 0.63],
  ] as const)('%s: every verdict is the one of JavaScript, and at least %f of the schemas are taken', async (draft, least) => {
    const wrong: string[] = [];
    let schemas = 0;
    let taken = 0;
    for (const one of officialSuite(draft)) {
      const readable = await read(one);
      if (readable === null) continue;
      schemas++;
      const native = nativeValidatorOf(readable.schema);
      if (native === null) continue;
      taken++;
      for (const { description, data } of one.tests) {
        const [expected, found] = [readable.js, native].map((validator) => validator.validate(bytesOf(data)).outcome);
        if (found !== expected) wrong.push(`${one.file}: ${one.group}: ${description}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(taken / schemas).toBeGreaterThan(least);
  });
});

/** Null where the native engine does not take the schema. */
function nativeValidatorOf(schema: object | boolean): Validator | null {
  try {
    return createValidator(schema, { engine: 'native' });
  } catch (error) {
    if (error instanceof DataQuarantineError && error.code === 'DQ_SCHEMA_NOT_NATIVE') return null;
    throw error;
  }
}
