import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePointer } from '../registry/json-pointer.ts';
import type { SchemaError, ValidateFunction } from '../registry/validator-runtime.ts';
import { explain } from './explain.ts';
import { createFault } from './fault.ts';
import { violationFault } from './violation-fault.ts';

/** A validator that has just refused a value for that reason. */
function refusing(error: SchemaError): ValidateFunction {
  return Object.assign(validate, { errors: [error] });
}
const validate = () => false;

const names = fc.constantFrom('a', 'b', '0', 'a~1b');
const errors: fc.Arbitrary<SchemaError> = fc.oneof(
  fc.record({
    keyword: fc.constant('type'),
    schemaPath: fc.constantFrom('#/type', '#/properties/a/type'),
    instancePath: fc.array(names, { maxLength: 2 }).map((segments) => segments.map((segment) => `/${segment}`).join('')),
    params: fc.record({ type: fc.constantFrom('string', 'null') }),
  }),
  fc.record({
    keyword: fc.constant('additionalProperties'),
    schemaPath: fc.constant('#/additionalProperties'),
    instancePath: fc.constantFrom('', '/a'),
    params: fc.record({ additionalProperty: names }),
  }),
);
const roots = fc.constantFrom<unknown>({ a: { b: 1 } }, { a: ['x'] }, ['x', ['y']], { a: null, b: 'b', 'a/b': true }, 7);
const schemas = fc.constantFrom({ name: 's', version: '1.0.0' }, { name: 's', version: '1.0.1' }, { name: null, version: null });

/** A validator speaks of places that are in the value. */
function leadsSomewhere(pointer: string, root: unknown): boolean {
  let value = root;
  for (const segment of parsePointer(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return false;
    value = (value as Record<string, unknown>)[segment];
  }
  return true;
}

test('a fault that is known is the one that would be put into words anew', () => {
  fc.assert(
    fc.property(errors, roots, schemas, (error, root, schema) => {
      fc.pre(leadsSomewhere(error.instancePath, root));
      const fresh = createFault({ type: 'schema_violation', schema, ...explain(error, root) });
      expect(violationFault(refusing(error), root, schema)).toEqual(fresh);
      expect(violationFault(refusing(error), root, schema)).toEqual(fresh);
    }),
    { numRuns: 1_000 },
  );
});

test('messages of one cause share one fault', () => {
  const error = { keyword: 'type', schemaPath: '#/type', instancePath: '/a', params: { type: 'string' } };
  const schema = { name: 's', version: '1.0.0' };
  const refused = refusing(error);
  expect(violationFault(refused, { a: 1 }, schema)).toBe(violationFault(refused, { a: 2 }, schema));
  expect(violationFault(refused, { a: 1 }, schema)).not.toBe(violationFault(refused, { a: null }, schema));
});
