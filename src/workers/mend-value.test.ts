import { expect, test } from 'vitest';
import { compileInMemory } from '../registry/compiler.ts';
import type { Remediation } from '../registry/remediation.ts';
import { mendValue } from './mend-value.ts';
import { defaultLimits } from './read-json.ts';

const remediation: Remediation = {
  version: 1,
  enabled: true,
  keepOriginal: false,
  rules: [{ name: 'cast', do: 'cast', field: '/n', to: 'integer' }],
};
const schema = {
  name: 'thing',
  version: '1.0.0',
  key: null,
  program: null,
  remediation,
  validate: compileInMemory({ required: ['n'], properties: { n: { type: 'integer', maximum: 10 } } }),
};
const mended = (text: string) => mendValue(Buffer.from(text), schema, defaultLimits)?.text ?? null;

test('a message is mended where it fits afterwards, and in no other case', () => {
  expect(mended('{ "n" : "7" }')).toBe('{ "n" : 7 }');
  expect(mended('{"n":"11"}')).toBeNull();
  expect(mended('{"n":"x"}')).toBeNull();
});

test('a large message is not', () => {
  expect(mended(`{"n":"7","x":"${'x'.repeat(300_000)}"}`)).toBeNull();
});
