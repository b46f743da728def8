import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonText, type Segments } from './json-text.ts';

const source = ' {"big" : 9007199254740993, "e":1.50e+2,\r\n "t":"\\u0061\\/", "list":[ 1 , {"a":{}} ,-0.0 ], "":null } ';
const edited = (edit: (text: JsonText) => JsonText | null, text = source) => edit(new JsonText(text))?.text ?? null;

describe('an edit touches what it names and nothing else', () => {
  test.each<[string, (text: JsonText) => JsonText | null, string]>([
    ['replace', (text) => text.replace(['e'], '7'), source.replace('1.50e+2', '7')],
    ['replace an item', (text) => text.replace(['list', '1', 'a'], '[]'), source.replace('{"a":{}}', '{"a":[]}')],
    ['replace the whole', (text) => text.replace([], '1'), ' 1 '],
    ['a new member', (text) => text.insert(['x"y'], '"z"'), source.replace('"":null', '"":null,"x\\"y":"z"')],
    ['a member of that name', (text) => text.insert(['t'], '0'), source.replace('"\\u0061\\/"', '0')],
    ['a member of an empty object', (text) => text.insert(['list', '1', 'a', 'b'], '1'), source.replace('{"a":{}}', '{"a":{"b":1}}')],
    ['an item before', (text) => text.insert(['list', '0'], '0'), source.replace('[ 1', '[ 0,1')],
    ['an item behind', (text) => text.insert(['list', '-'], '0'), source.replace('-0.0', '-0.0,0')],
    ['remove the first', (text) => text.remove(['big']), source.replace('"big" : 9007199254740993, ', '')],
    ['remove the last', (text) => text.remove(['']), source.replace(', "":null', '')],
    ['remove the only one', (text) => text.remove(['list', '1', 'a']), source.replace('{"a":{}}', '{}')],
    ['remove an item', (text) => text.remove(['list', '2']), source.replace(' ,-0.0', '')],
    ['rename', (text) => text.rename(['big'], 'große'), source.replace('"big"', '"große"')],
  ])('%s', (_, edit, expected) => {
    expect(edited(edit)).toBe(expected);
    expect(() => JSON.parse(expected)).not.toThrow();
  });

  test.each<[string, (text: JsonText) => JsonText | null]>([
    ['a member that is not there', (text) => text.replace(['none'], '1')],
    ['an item beyond the end', (text) => text.insert(['list', '9'], '1')],
    ['an index that is none', (text) => text.insert(['list', '01'], '1')],
    ['a child of a scalar', (text) => text.insert(['e', 'x'], '1')],
    ['a name that is taken', (text) => text.rename(['e'], 't')],
    ['the whole', (text) => text.remove([])],
  ])('%s is null', (_, edit) => {
    expect(edited(edit)).toBeNull();
  });
});

test('equal values are equal by spelling, or where both are exact', () => {
  const text = new JsonText(source);
  const equals = (segments: Segments, json: string) => text.equals(text.at(segments) as never, json);
  expect(equals(['e'], '150')).toBe(true);
  expect(equals(['t'], '"a/"')).toBe(true);
  expect(equals(['big'], '9007199254740993')).toBe(true);
  expect(equals(['big'], '9007199254740992')).toBe(false);
});

/** Every pointer into a value, the whole included. */
function placesIn(value: unknown, path: Segments = []): Segments[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [path, ...inner.flatMap(([name, part]) => placesIn(part, [...path, name]))];
}

test('every value of every text is found where JSON.parse has it, and can be taken out', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'), (json, indent) => {
      const value: unknown = JSON.parse(json);
      const text = new JsonText(JSON.stringify(value, null, indent));
      for (const place of placesIn(value)) {
        const token = text.at(place);
        const wanted = place.reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], value);
        expect(token && text.value(token)).toEqual(wanted);
        if (place.length > 0) expect(() => JSON.parse(text.remove(place)?.text ?? '')).not.toThrow();
      }
    }),
  );
});
