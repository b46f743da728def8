import { expect, test } from 'vitest';
import { Catalog } from './catalog.ts';

const catalogOf = (versions: readonly (readonly [string, string])[], withdrawn: number[] = []): Catalog =>
  new Catalog({
    revision: 1,
    entries: versions.map(([name, version]) => ({ name, version, module: '', native: null, digest: '', key: null })),
    withdrawn,
  });

test('the newest version is the highest released one, whatever the order of numbers', () => {
  const catalog = catalogOf([
    ['a', '1.10.0'],
    ['a', '1.9.0'],
    ['a', '2.0.0-rc.1'],
  ]);
  expect(catalog.find('a', null)).toBe(0);
  expect(catalog.versions('a')).toEqual(['1.9.0', '1.10.0', '2.0.0-rc.1']);
});

test('a pre-release is the newest only where nothing was released', () => {
  expect(
    catalogOf([
      ['a', '1.0.0-beta.2'],
      ['a', '1.0.0-beta.10'],
    ]).find('a', null),
  ).toBe(1);
});

test('a withdrawn number is still there and no longer found', () => {
  const catalog = catalogOf(
    [
      ['a', '1.0.0'],
      ['a', '1.1.0'],
      ['b', '1.0.0'],
    ],
    [1, 2],
  );
  expect([catalog.find('a', null), catalog.find('a', '1.1.0'), catalog.find('b', null)]).toEqual([0, -1, -1]);
  expect(catalog.entry(2)?.name).toBe('b');
  expect(catalog.names).toEqual(['a']);
});

test('a version that was replaced in place is found by its new number', () => {
  const catalog = catalogOf(
    [
      ['a', '1.0.0'],
      ['a', '1.0.0'],
    ],
    [0],
  );
  expect(catalog.find('a', '1.0.0')).toBe(1);
});

test('names of members that every object has are not found', () => {
  const catalog = catalogOf([['a', '1.0.0']]);
  for (const name of ['constructor', 'toString', '__proto__'])
    expect([catalog.find(name, null), catalog.find('a', name)]).toEqual([-1, -1]);
});

test('a catalog survives its wire form', () => {
  const catalog = catalogOf([['a', '1.0.0']]);
  expect(new Catalog(JSON.parse(JSON.stringify(catalog.toWire()))).find('a', '1.0.0')).toBe(0);
});
