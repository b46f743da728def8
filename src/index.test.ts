import { describe, expect, test } from 'vitest';
import { createValidator, DataQuarantineError } from './index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('createValidator', () => {
  const schema = { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } };

  test('gives a verdict with the fields that every verdict has and no others', () => {
    const validator = createValidator(schema, { engine: 'js' });
    expect(validator.engine).toBe('js');
    expect(validator.validate(bytes('{"id":1}'))).toEqual({
      outcome: 'valid',
      error_type: null,
      error_message: null,
      field_path: null,
      instance_path: null,
      engine: 'js',
    });
    expect(validator.validate(bytes('{"id":"x"}'))).toEqual({
      outcome: 'invalid',
      error_type: 'schema_violation',
      error_message: 'expected an integer, found a string',
      field_path: 'id',
      instance_path: '/id',
      engine: 'js',
    });
  });

  test('says where remediation helps, and what it makes of a document', () => {
    const remediation = { enabled: true, rules: [{ name: 'number', do: 'cast' as const, field: '/id', to: 'integer' as const }] };
    const validator = createValidator(schema, { remediation });
    expect(validator.validate(bytes('{"id":"9007199254740993"}'))).toMatchObject({ outcome: 'valid', remediated: true, engine: 'js' });
    expect(validator.validate(bytes('{"id":1}'))).not.toHaveProperty('remediated');
    expect(validator.validate(bytes('{"id":"x"}'))).toMatchObject({ outcome: 'invalid', error_type: 'schema_violation' });
    const mended = validator.remediate(bytes('{ "id" : "9007199254740993" }'));
    expect(mended?.rules).toEqual(['number@1']);
    expect(Buffer.from(mended?.bytes ?? []).toString()).toBe('{ "id" : 9007199254740993 }');
    expect(validator.remediate(bytes('{"id":1}'))).toBeNull();
    const off = createValidator(schema, { remediation: { ...remediation, enabled: false } });
    expect(off.validate(bytes('{"id":"7"}')).outcome).toBe('invalid');
    const wrong = { enabled: true, rules: [{ ...remediation.rules[0], field: 'id' }] } as typeof remediation;
    expect(() => createValidator(schema, { remediation: wrong })).toThrow(/rules\.0\.field: expected a JSON Pointer/);
  });

  test('reads a part of a buffer as that part alone', () => {
    const whole = bytes('xx{"id":1}xx');
    expect(createValidator(schema).validate(whole.subarray(2, -2)).outcome).toBe('valid');
  });

  test('never throws for what the bytes are', () => {
    const validator = createValidator(schema);
    const types = ['', '{', '\ufeff{}', '{"id":1,"id":2}', '{"__proto__":1}', '['.repeat(1_000)].map(
      (text) => validator.validate(bytes(text)).error_type,
    );
    expect(types).toEqual(['malformed_json', 'malformed_json', 'malformed_json', 'duplicate_key', 'forbidden_key', 'too_deep']);
    expect(validator.validate(Uint8Array.of(0x22, 0xff, 0x22)).error_type).toBe('invalid_utf8');
    expect(validator.validate(new Uint8Array(10 * 2 ** 20 + 1)).error_type).toBe('too_large');
  });

  test('looks for no schema in the document', () => {
    expect(createValidator(true).validate(bytes('{"_schema":5}')).outcome).toBe('valid');
  });

  test('copies the schema', () => {
    const own = { enum: [1] };
    const validator = createValidator(own);
    own.enum.push(2);
    expect(validator.validate(bytes('2')).outcome).toBe('invalid');
  });

  test('takes booleans as schemas', () => {
    expect(createValidator(true).validate(bytes('1')).outcome).toBe('valid');
    expect(createValidator(false).validate(bytes('1')).outcome).toBe('invalid');
  });

  test.each([
    [{ type: 'nonsense' }, 'js', 'DQ_SCHEMA_INVALID'],
    [{ $ref: 'https://example.com/a.json' }, 'auto', 'DQ_SCHEMA_INVALID'],
    [null, 'auto', 'DQ_SCHEMA_INVALID'],
    [{ type: 'nonsense' }, 'native', 'DQ_SCHEMA_INVALID'],
    [{ format: 'regex' }, 'native', 'DQ_SCHEMA_NOT_NATIVE'],
    [{}, 'fast', 'DQ_CONFIG_INVALID'],
  ])('refuses %j with the engine %s by the code %s', (bad, engine, code) => {
    const create = () => createValidator(bad as object, { engine: engine as 'auto' });
    expect(create).toThrow(DataQuarantineError);
    expect(create).toThrow(expect.objectContaining({ code }));
  });
});
