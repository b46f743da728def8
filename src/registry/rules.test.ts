import { describe, expect, test } from 'vitest';
import { hasCode } from '../lib/errors.ts';
import { compileInMemory } from './compiler.ts';
import { compileRule, compileRules, type Rule, withRules } from './rules.ts';
import { parseSchemaFile } from './schema-file.ts';

const rule = (check: string, name = 'order'): Rule => ({ name, check, message: 'expected end after start', field: '/end' });

/** What the rule says of the value; null where it holds. */
function said(check: string, value: unknown): string | null {
  const [compiled] = compileRules([rule(check)]);
  return compiled?.refuse(value) ?? null;
}

/** Why the expression is not taken, and at which character. */
function problem(check: string): [string, number] {
  const compiled = compileRule(rule(check));
  if (!('position' in compiled)) throw new Error('the rule is good');
  return [compiled.message, compiled.position];
}

describe('a rule', () => {
  test('holds or gives its own text', () => {
    expect(said('value.start < value.end', { start: 1, end: 2 })).toBeNull();
    expect(said('value.start < value.end', { start: 2, end: 1 })).toBe('expected end after start');
  });

  test('may join numbers of a message with whole ones of its own', () => {
    expect(said('value.a + 1 == 2 && 2 * value.a == 2 && value.b % 2 == 0 && 3 - value.a > value.a / 4', { a: 1, b: 4 })).toBeNull();
  });

  test.each<[string, unknown, string]>([
    ['value.geheim < 3', {}, 'a member that it reads is missing'],
    ['value.geheim.b == 3', { geheim: null }, 'a member that it reads is missing'],
    ['value.a < 3', { a: 'geheim' }, 'a value is not of the kind that it needs'],
    ['value.a && true', { a: 'geheim' }, 'a value is not of the kind that it needs'],
    ['value.a', { a: 'geheim' }, 'it gives neither true nor false'],
    ['int(value.a) * 9223372036854775807 > 1', { a: 10 }, 'a number is too large'],
    ['1 / int(value.a) == 1', { a: 0 }, 'a divisor is zero'],
    ['timestamp(value.a) > timestamp("2024-01-01T00:00:00Z")', { a: 'geheim' }, 'a text is not a date and time'],
    ['value.constructor == 1', {}, 'a member that it reads is missing'],
  ])('that cannot be decided, as %s for %j, says why without a word of the message', (check, value, why) => {
    expect(said(check, value)).toBe(`the rule "order" cannot be decided: ${why}`);
  });

  test('asks first whether a member is there, where it may be missing', () => {
    expect(said('!has(value.end) || value.start < value.end', { start: 1 })).toBeNull();
  });

  test('looks at no more items than a second allows', () => {
    const items = Array.from({ length: 3_000 }, (_, n) => n);
    const why = 'the rule "order" looks at every item, and expected fewer of them';
    expect(said('value.all(a, value.all(b, a != b || true))', items)).toBe(why);
    expect(said('value.all(a, a >= 0)', items)).toBeNull();
  });

  test.each<[string, string, number]>([
    ['value.a <', 'Unexpected token: EOF', 9],
    ['1 + "a" == 2', 'no such overload: int + string', 0],
    ['vlaue.a == 2', 'Unknown variable: vlaue', 0],
    ['1 + 1', 'expected true or false, found int', 0],
    ['value.a.matches(value.b)', 'the pattern of "matches" must be written out', 0],
    ['value.a.matches("(")', 'the pattern of "matches" is not a regular expression', 0],
  ])('that is %s is refused with its place', (check, why, position) => {
    expect(problem(check)).toEqual([why, position]);
  });

  test('with a pattern that a text can keep busy is refused, and so are four loops inside each other', () => {
    expect(problem('value.a.matches("^(a|a)*$")')[0]).toContain('keep this pattern busy');
    const loops = 'value.all(a, value.all(b, value.all(c, value.all(d, true))))';
    expect(problem(loops)[0]).toBe('expected at most 3 loops inside each other');
  });
});

describe('rules behind a schema', () => {
  const rules = compileRules([rule('value.start < value.end'), rule('value.end < 10', 'late')]);
  const validate = withRules(compileInMemory({ required: ['start', 'end'] }), rules);

  test('are asked only where the schema holds', () => {
    expect(validate({})).toBe(false);
    expect(validate.errors?.map(({ keyword }) => keyword)).toEqual(['required']);
  });

  test('are all told where they do not hold, the first one as the cause', () => {
    expect(validate({ start: 20, end: 15 })).toBe(false);
    expect(validate.errors?.map(({ keyword }) => keyword)).toEqual(['rule:late', 'rule:order']);
    expect(validate({ start: 1, end: 2 })).toBe(true);
    expect(validate.errors).toBeNull();
  });
});

describe('the rules of a schema file', () => {
  const file = (rules: string) => `name: a\nversion: 1.0.0\nschema: true\nrules:\n${rules}`;
  const refusal = (rules: string): string => {
    try {
      parseSchemaFile(file(rules), 'a.yaml');
    } catch (error) {
      if (hasCode(error, 'DQ_SCHEMA_FILE_INVALID')) return error.message;
      throw error;
    }
    throw new Error('the file is good');
  };

  test('are read', () => {
    const { rules } = parseSchemaFile(file('  - name: late\n    check: value.a < 3\n    message: expected it sooner\n'), 'a.yaml');
    expect(rules).toEqual([{ name: 'late', check: 'value.a < 3', message: 'expected it sooner', field: '' }]);
  });

  test('name the line and column of what is wrong with an expression, over several lines too', () => {
    expect(refusal('  - name: late\n    check: value.a < vlaue.b\n    message: x\n')).toBe(
      'a.yaml:6:22: the rule "late": Unknown variable: vlaue',
    );
    expect(refusal('  - name: late\n    check: |\n      value.a < 3 &&\n      vlaue.b > 3\n    message: x\n')).toBe(
      'a.yaml:8:7: the rule "late": Unknown variable: vlaue',
    );
  });

  test('have names of their own, and only known keys', () => {
    const twice = '  - { name: late, check: "true", message: x }\n';
    expect(refusal(twice + twice)).toBe('a.yaml:6:13: there is a rule "late" before this one');
    expect(refusal('  - { name: late, chek: "true", message: x }\n')).toMatch(/^a\.yaml:5:/);
    expect(refusal('  - { name: late, check: "true" }\n')).toMatch(/^a\.yaml:5:5: 0\.message/);
  });
});
