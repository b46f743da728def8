import { afterEach, expect, test } from 'vitest';
import type { SeenField } from '../store/drift-store.ts';
import type { FieldCount } from '../workers/field-sampler.ts';
import { DriftBook } from './drift-book.ts';

let book: DriftBook;
afterEach(() => book.close());

const count = (path: string, more: Partial<FieldCount> = {}): FieldCount => ({
  schema: 0,
  producer: 'shop',
  path,
  type: 'string',
  messages: 1,
  ...more,
});

function bookWith(add: (fields: readonly SeenField[]) => Promise<void>, drifts: string[] = []): DriftBook {
  book = new DriftBook({
    store: { add, prune: () => Promise.resolve() },
    entryOf: (schema) => (schema === 0 ? { name: 'order', version: '1.0.0', module: '', native: null, digest: '', key: null } : null),
    isDrift: (_, path) => path === '/new',
    onDrift: (schema) => drifts.push(schema),
    log: { warn: () => {} },
  });
  return book;
}

test('counts are summed up until they are written, and kept while they cannot be', async () => {
  const written: string[] = [];
  let isAway = true;
  const opened = bookWith(async (fields) => {
    if (isAway) throw new Error('away');
    written.push(...fields.map(({ schemaName, path, messages }) => `${schemaName} ${path} ${messages}`));
  });
  opened.take([count('/a', { messages: 2 }), count('/b')]);
  await opened.flush();
  opened.take([count('/a', { messages: 3 }), count('/c', { schema: 9 })]);
  isAway = false;
  await opened.flush();
  await opened.flush();
  expect(written).toEqual(['order /a 5', 'order /b 1']);
});

test('what no schema plans is told once, by producer', () => {
  const drifts: string[] = [];
  const opened = bookWith(() => Promise.resolve(), drifts);
  opened.take([count('/new'), count('/new'), count('/old'), count('/new', { producer: 'till' })]);
  expect(drifts).toEqual(['order', 'order']);
});

test('producers who make up names are one', async () => {
  const producers = new Set<string>();
  const opened = bookWith(async (fields) => fields.forEach(({ producer }) => producers.add(producer)));
  opened.take(Array.from({ length: 150 }, (_, index) => count('/a', { producer: `p${index}` })));
  await opened.flush();
  expect(producers.size).toBe(101);
  expect(producers).toContain('(others)');
});
