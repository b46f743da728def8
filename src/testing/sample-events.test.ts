import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../lib/package-root.ts';
import { answer, Slab } from '../model/slab.ts';
import { Catalog } from '../registry/catalog.ts';
import { compileInMemory } from '../registry/compiler.ts';
import { parsePointer } from '../registry/json-pointer.ts';
import { parseSchemaFile } from '../registry/schema-file.ts';
import { JudgeProgress } from '../workers/judge-progress.ts';
import type { LoadedCatalog } from '../workers/loaded-catalog.ts';
import { defaultLimits } from '../workers/read-json.ts';
import { SlabJudge } from '../workers/slab-judge.ts';
import { type BadKind, badKinds, kindSets, type SampleEvent, type SampleOptions, sampleEvents } from './sample-events.ts';

function taken(count: number, options: Partial<SampleOptions> = {}): SampleEvent[] {
  const events = sampleEvents({ seed: 1, ...options });
  return Array.from({ length: count }, () => events.next());
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return counts;
}

/** The schemas of the repository, as the service would have them. */
function loadSchemas(): LoadedCatalog {
  const folder = join(packageRoot, 'schemas');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));
  const parsed = files.map((file) => parseSchemaFile(readFileSync(join(folder, file), 'utf8'), file));
  return {
    catalog: new Catalog({
      revision: 1,
      entries: parsed.map(({ name, version, key }) => ({ name, version, key, module: '', native: null, digest: '' })),
      withdrawn: [],
    }),
    programs: [],
    schemas: parsed.map(({ name, version, key, schema }) => ({
      name,
      version,
      validate: compileInMemory(schema),
      key: key === null ? null : parsePointer(key),
    })),
  };
}

/** What the judge says of each event: `valid`, `tombstone` or an error type. */
function judged(events: readonly SampleEvent[]): string[] {
  const slab = Slab.allocate(events.length, 64 * 2 ** 20);
  for (const [offset, { key, value, headers }] of events.entries()) {
    const fits = slab.append({ offset, timestamp: 0, partition: 0, topic: 0, epoch: 0, key, value, headers });
    if (!fits) throw new Error('the slab is too small for the samples');
  }
  const topics = [{ schema: null, allowed: null, strict: false }];
  const judge = new SlabJudge({
    slab,
    topics,
    loaded: loadSchemas(),
    limits: defaultLimits,
    absent: [],
    progress: new JudgeProgress(),
    native: null,
  });
  const { rejects } = judge.judge(0, events.length);
  const errors = new Map(rejects.map(({ row, fault }) => [row, fault.error_type]));
  return events.map((_, row) => errors.get(row) ?? (slab.answers[row] === answer.tombstone ? 'tombstone' : 'valid'));
}

test('the judge says of every event what its maker says', () => {
  const events = taken(20_000, { invalid: 0.5 });
  expect(judged(events)).toEqual(events.map(({ expected }) => expected));
  const kinds = new Set(events.map(({ kind }) => kind));
  expect([...kindSets.all, 'valid'].filter((kind) => !kinds.has(kind as BadKind))).toEqual([]);
});

test.each([1, 120, 1_000, 50_000])('events of %i bytes are as bad and as good', (sizeBytes) => {
  const events = taken(400, { invalid: 0.3, sizeBytes });
  expect(judged(events)).toEqual(events.map(({ expected }) => expected));
});

test.each(Object.entries(badKinds))('%s can be had alone, and ends as %s', (kind, expected) => {
  const events = taken(4, { invalid: 1, kinds: [kind as BadKind] });
  expect(events.map((event) => event.kind)).toEqual([kind, kind, kind, kind]);
  expect(judged(events)).toEqual([expected, expected, expected, expected]);
});

test('values are about as large as asked for', () => {
  for (const sizeBytes of [400, 5_000]) {
    const sizes = taken(1_000, { invalid: 0, sizeBytes }).map(({ value }) => value?.length ?? sizeBytes);
    expect(Math.min(...sizes)).toBeGreaterThan(sizeBytes * 0.8);
    expect(Math.max(...sizes)).toBeLessThan(sizeBytes * 1.2);
  }
});

test('the share of bad events is the one asked for', () => {
  const bad = taken(50_000, { invalid: 0.05 }).filter(({ expected }) => expected !== 'valid' && expected !== 'tombstone');
  expect(bad.length / 50_000).toBeCloseTo(0.05, 2);
  expect(taken(5_000, { invalid: 0 }).every(({ expected }) => expected === 'valid' || expected === 'tombstone')).toBe(true);
});

test('a seed gives the same events again, and another seed others', () => {
  expect(taken(500, { seed: 7 })).toEqual(taken(500, { seed: 7 }));
  expect(taken(500, { seed: 7 })).not.toEqual(taken(500, { seed: 8 }));
});

test('plain events have no headers, no tombstones and no flaw but violations', () => {
  const events = taken(5_000, { kinds: kindSets.plain });
  expect(events.every(({ headers }) => headers.length === 0)).toBe(true);
  expect([...countBy(events, ({ kind }) => kind).keys()].sort()).toEqual(['schema_violation', 'valid']);
});

test('all schemas take turns, and fewer if asked', () => {
  const schemaOf = ({ value }: SampleEvent) => /"_schema":"(\w+)"/.exec(value?.toString() ?? '')?.[1] ?? '';
  const all = countBy(taken(400, { invalid: 0, kinds: [] }), schemaOf);
  expect(all).toEqual(
    new Map([
      ['user_event', 100],
      ['order_event', 100],
      ['payment_event', 100],
      ['sensor_reading', 100],
    ]),
  );
  expect([...countBy(taken(10, { schemas: 1, kinds: [] }), schemaOf).keys()]).toEqual(['user_event']);
});
