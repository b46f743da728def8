import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linearPatterns } from './linear-patterns.ts';
import { vetPattern } from './vet-pattern.ts';

describe('patterns are vetted', () => {
  test.each(['^USER[0-9]{6}$', '^[a-z]+@[a-z]+\\.[a-z]+$', '^[A-Z]{3}', '^a{2,5}b*$', '^$'])('%s is matched as it is', (source) => {
    expect(vetPattern(source)).toEqual({ engine: 'platform' });
  });

  test.each(['^(a|a)*$', '^(a+)+$', '(x+x+)+y', '^(\\w+\\s?)*$', '^([a-zA-Z0-9_\\-.]+)*@$', '\\s+$', '^(a|aa)+$', '(.*)*$'])(
    '%s is matched in linear time, and answers at once',
    (source) => {
      const vetting = vetPattern(source);
      if (vetting.engine !== 'linear') throw new Error(`expected the linear engine, found ${vetting.engine}`);
      const matcher = linearPatterns({ [source]: vetting.expression })(source, 'u');
      for (const text of ['', 'a', 'aab', 'xxy', 'ab cd', '  ', 'a\n', 'é😀', 'a@']) {
        expect([text, matcher.test(text)]).toEqual([text, new RegExp(source, 'u').test(text)]);
      }
      expect(typeof matcher.test(`${'a'.repeat(50_000)}${' '.repeat(1_000)}!`)).toBe('boolean');
    },
  );

  test('what the linear engine cannot say is refused if it can take exponential time', () => {
    expect(vetPattern('^(?=.)(a|a)*$')).toMatchObject({ engine: 'none', why: expect.stringContaining('doubles with every character') });
  });

  test('the linear engine says of every text what the platform says', () => {
    const part = fc.constantFrom('a', 'b', '[^a]', '\\d', '\\s', '\\w', '.', '\\u{1F600}', '[a-c]', '\\W', '\\p{Lu}');
    const repeat = fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}');
    const piece = fc.tuple(part, repeat).map(([one, times]) => one + times);
    const group = fc
      .tuple(fc.array(piece, { minLength: 1, maxLength: 3 }), repeat)
      .map(([pieces, times]) => `(?:${pieces.join('|')}|${pieces.join('')})${times}`);
    const pattern = fc
      .tuple(fc.constantFrom('', '^'), fc.array(group, { minLength: 1, maxLength: 2 }), fc.constantFrom('', '$'))
      .map(([start, groups, end]) => start + groups.join('') + end);
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '\n', '\u2028', 'É', '😀', '_'), maxLength: 6 });
    const property = fc.property(pattern, fc.array(text, { maxLength: 8 }), (source, texts) => {
      const vetting = vetPattern(source);
      if (vetting.engine !== 'linear') return;
      const matcher = linearPatterns({ [source]: vetting.expression })(source, 'u');
      for (const one of texts) expect([source, one, matcher.test(one)]).toEqual([source, one, new RegExp(source, 'u').test(one)]);
    });
    fc.assert(property, { numRuns: 60, seed: 7, endOnFailure: true });
  }, 120_000);
});
