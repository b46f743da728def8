import { expect, test } from 'vitest';
import { hasCode } from '../lib/errors.ts';
import { parseSchemaFile } from './schema-file.ts';

const file = (remediation: string) => `name: a\nversion: 1.0.0\nschema: true\nremediation:\n${remediation}`;

function refusal(remediation: string): string {
  try {
    parseSchemaFile(file(remediation), 'a.yaml');
  } catch (error) {
    if (hasCode(error, 'DQ_SCHEMA_FILE_INVALID')) return error.message;
    throw error;
  }
  throw new Error('the file is good');
}

test('remediation is off unless it is enabled', () => {
  const rule = '  rules:\n    - { name: blanks, do: trim, field: /a }\n';
  expect(parseSchemaFile(file(rule), 'a.yaml').remediation).toEqual({
    version: 1,
    enabled: false,
    keepOriginal: false,
    rules: [{ name: 'blanks', do: 'trim', field: '/a' }],
  });
  expect(parseSchemaFile('name: a\nversion: 1.0.0\nschema: true\n', 'a.yaml').remediation).toBeNull();
});

test.each([
  ['a field that is no pointer', '    - { name: x, do: trim, field: a }', /^a\.yaml:6:\d+: rules\.0\.field: expected a JSON Pointer/],
  ['a default for the whole', '    - { name: x, do: default, field: "", value: 1 }', /expected a field, such as \/user_id/],
  ['something that no rule does', '    - { name: x, do: guess, field: /a }', /^a\.yaml:6:/],
  [
    'a patch without a test',
    '    - { name: x, do: patch, patch: [{ op: remove, path: /a }, { op: remove, path: /b }] }',
    /expected a "test" as the first/,
  ],
  ['a name twice', '    - { name: x, do: trim, field: /a }\n    - { name: x, do: trim, field: /b }', /^a\.yaml:7:15: there is a rule "x"/],
])('%s is refused with its place', (_, rules, message) => {
  expect(refusal(`  rules:\n${rules}\n`)).toMatch(message);
});
