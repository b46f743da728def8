import { expect, test } from 'vitest';
import { compileInMemory } from '../registry/compiler.ts';
import { judgeValue } from './judge.ts';

/** Field and words of the fault that the schema finds in the value. */
function told(schema: object, value: unknown): [string | null, string | null, string] {
  const fault = judgeValue(value, compileInMemory(schema), { name: 'thing', version: '1.0.0' });
  if (fault === null) throw new Error('the value is valid');
  expect(fault.error_message).not.toContain('geheim');
  return [fault.keyword, fault.field_path, fault.error_message];
}

const card = { type: 'object', required: ['method', 'digits'], properties: { method: { const: 'card' }, digits: { type: 'string' } } };
const bank = {
  type: 'object',
  required: ['method', 'iban'],
  properties: { method: { enum: ['bank', 'wire'] }, iban: { type: 'string' }, back: { $ref: '#/definitions/payment' } },
};
const payment = { oneOf: [{ $ref: '#/definitions/card' }, { $ref: '#/definitions/bank' }, { type: 'null' }] };
const tagged = { definitions: { card, bank, payment }, properties: { payment: { $ref: '#/definitions/payment' } } };

test('the member that tells alternatives apart chooses the one whose fault is told', () => {
  expect(told(tagged, { payment: { method: 'card' } })).toEqual([
    'required',
    'payment.digits',
    'expected the member "digits" to be present',
  ]);
  expect(told(tagged, { payment: { method: 'wire', iban: 7 } })).toEqual(['type', 'payment.iban', 'expected a string, found a number']);
});

test('alternatives inside alternatives are followed, through references that lead in a circle too', () => {
  const inner = { method: 'bank', iban: 'x', back: { method: 'bank', iban: 'y', back: { method: 'card', digits: [] } } };
  expect(told(tagged, { payment: inner })).toEqual(['type', 'payment.back.back.digits', 'expected a string, found an array']);
});

test('a member that names none of the alternatives is the fault, and so is one that is missing', () => {
  expect(told(tagged, { payment: { method: 'geheim' } })).toEqual([
    'oneOf',
    'payment.method',
    'expected one of "card", "bank", "wire", found another value (a string)',
  ]);
  expect(told(tagged, { payment: {} })).toEqual([
    'oneOf',
    'payment.method',
    'expected the member "method" to be present: it tells the alternatives apart',
  ]);
});

test('the alternative of the same kind is the one that was meant', () => {
  const schema = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'integer' } }] };
  expect(told(schema, [1, 1.5])).toEqual(['type', '[1]', 'expected an integer, found a number that is not whole']);
});

test('where no kind fits, all that fit are told, and so are all values', () => {
  expect(told({ anyOf: [{ type: 'string' }, { type: ['null', 'string'] }] }, 7)).toEqual([
    'anyOf',
    '',
    'expected a string or null, found a number',
  ]);
  expect(told({ anyOf: [{ const: 'a' }, { enum: ['b', 1] }] }, 'geheim')).toEqual([
    'anyOf',
    '',
    'expected one of "a", "b", 1, found another value (a string)',
  ]);
});

test('without a name, the alternative that was followed deepest is the nearest', () => {
  const schema = { anyOf: [{ required: ['a'] }, { properties: { b: { properties: { c: { type: 'null' } } } } }] };
  expect(told(schema, { b: { c: 'geheim' } })).toEqual(['type', 'b.c', 'expected null, found a string']);
});

test('where none stands out, none is blamed', () => {
  const none = 'expected a value that fits one of the alternatives, found an object that fits none';
  expect(told({ anyOf: [{ required: ['a'] }, { required: ['b'] }] }, {})).toEqual(['anyOf', '', none]);
});

test('too many that fit are told as such', () => {
  const schema = { properties: { a: { oneOf: [{ type: 'null' }, { minimum: 0 }, { type: 'integer' }] } } };
  const many = 'expected a value that fits exactly one of the alternatives, found a number that fits more than one';
  expect(told(schema, { a: 3 })).toEqual(['oneOf', 'a', many]);
});

test('a name that is nearly one that the schema declares is told with that one', () => {
  const closed = { properties: { user_id: {}, event_type: {} }, additionalProperties: false };
  const expected = 'expected no members beyond those that the schema declares';
  expect(told(closed, { userid: 'geheim' })).toEqual(['additionalProperties', 'userid', `${expected}; did you mean "user_id"?`]);
  expect(told(closed, { user_id: 1, userid: 'geheim' })).toEqual(['additionalProperties', 'userid', expected]);
  expect(told(closed, { geheim: 1 })).toEqual(['additionalProperties', 'geheim', expected]);
  const nested = { definitions: { closed }, properties: { list: { items: { allOf: [{ $ref: '#/definitions/closed' }] } } } };
  expect(told(nested, { list: [{}, { eventType: 1 }] })).toEqual([
    'additionalProperties',
    'list[1].eventType',
    `${expected}; did you mean "event_type"?`,
  ]);
});
