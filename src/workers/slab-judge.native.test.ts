import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Header } from '../model/header.ts';
import { answer, Slab } from '../model/slab.ts';
import { Catalog } from '../registry/catalog.ts';
import { compileInMemory, compileNative } from '../registry/compiler.ts';
import { parsePointer } from '../registry/json-pointer.ts';
import { JudgeProgress } from './judge-progress.ts';
import type { LoadedCatalog } from './loaded-catalog.ts';
import { NativeJudge } from './native-judge.ts';
import { WorkerPool } from './pool.ts';
import { defaultLimits } from './read-json.ts';
import { SlabJudge } from './slab-judge.ts';
import type { Judgement, TopicRules } from './task.ts';

const versions = [
  { name: 'order', version: '1.0.0', schema: { required: ['a'] }, key: null },
  { name: 'order', version: '1.1.0', schema: { properties: { a: { type: 'integer' } } }, key: null },
  { name: 'order', version: '2.0.0-beta', schema: false, key: null },
  { name: 'sensor', version: '1.0.0', schema: true, key: '/id' },
  { name: 'odd', version: '1.0.0', schema: { format: 'regex' }, key: null },
  { name: 'gone', version: '1.0.0', schema: true, key: null },
] as const;

const loaded: LoadedCatalog = {
  catalog: new Catalog({
    revision: 1,
    entries: versions.map(({ name, version, key }) => ({ name, version, key, module: '', native: null, digest: '' })),
    withdrawn: [5],
  }),
  programs: versions.map(({ schema }) => {
    const native = compileNative(schema);
    return 'program' in native ? native.program : null;
  }),
  schemas: versions.map(({ name, version, schema, key }) => {
    return { name, version, validate: compileInMemory(schema), key: key === null ? null : parsePointer(key) };
  }),
};

const limits = { ...defaultLimits, valueBytes: 200, headerBytes: 120 };
const rules: readonly TopicRules[] = [
  { schema: null, allowed: null, strict: false },
  { schema: 'order', allowed: ['sensor', 'unknown'], strict: true },
  { schema: null, allowed: ['sensor'], strict: true },
  { schema: 'unknown', allowed: null, strict: true },
  { schema: null, allowed: null, strict: true },
];

interface Message {
  readonly topic: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}

function judge(messages: readonly Message[], native: boolean): { slab: Slab; judgement: Omit<Judgement, 'fields'>; natively: number } {
  const slab = Slab.allocate(messages.length, 1 << 20);
  for (const [offset, { topic, key, value, headers }] of messages.entries()) {
    slab.append({ offset, timestamp: 0, partition: 0, topic, epoch: 0, key: key === null ? null : Buffer.from(key), value, headers });
  }
  const engine = native ? NativeJudge.of({ loaded, topics: rules, limits }) : null;
  const progress = new JudgeProgress();
  const natively = engine ? messages.length - engine.judge(slab, progress, { from: 0, to: messages.length }).left : 0;
  const judgement = new SlabJudge({ slab, topics: rules, loaded, limits, absent: [], progress, native: engine }).judge(0, messages.length);
  return { slab, judgement, natively };
}

const name = fc.constantFrom('order', 'sensor', 'odd', 'gone', 'unknown', '', 'constructor', null, 5);
const version = fc.constantFrom('1.0.0', '1.1.0', '2.0.0-beta', '9.9.9', '', null, 1);
const value = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      { a: fc.constantFrom(1, 1.5, 'x'), _schema: name, _schema_version: version, id: fc.integer(), b: fc.string() },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(5, null, [], 'order', { _schema: 'order', long: 'x'.repeat(300) }) },
);
const header = fc.record({
  name: fc.constantFrom('dq.schema', 'dq.schema.version', 'dq.schemas', 'other'),
  value: fc.constantFrom(
    null,
    ...['order', 'sensor', '1.0.0', '1.1.0', '', 'x'.repeat(80)].map((text) => Buffer.from(text)),
    Buffer.from([0xff]),
  ),
});
const message = fc.record<Message>({
  topic: fc.nat(rules.length - 1),
  key: fc.constantFrom(null, 'k'),
  value: fc.oneof(
    { weight: 12, arbitrary: value.map((content) => Buffer.from(JSON.stringify(content))) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(null, ...['', '{', '{"a":1,"a":2}', '{"__proto__":1}', '\ufeff{}'].map((text) => Buffer.from(text))),
    },
  ),
  headers: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(header, { maxLength: 3 }) }),
});

test('a batch ends the same with both engines, whatever its messages, headers and topics', () => {
  let natively = 0;
  let valid = 0;
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 100 }), (messages) => {
      const first = judge(messages, true);
      const alone = judge(messages, false);
      expect([...first.slab.answers]).toEqual([...alone.slab.answers]);
      expect([...first.slab.schemas]).toEqual([...alone.slab.schemas]);
      expect(first.judgement.rejects).toEqual(alone.judgement.rejects);
      expect(first.judgement.keys).toEqual(alone.judgement.keys);
      expect(first.judgement.disagreements).toBe(0);
      natively += first.natively;
      valid += alone.slab.answers.filter((one) => one !== answer.faulty).length;
    }),
    { numRuns: 200 },
  );
  // The most of what is good is never seen by JavaScript.
  expect(natively).toBeGreaterThan(valid * 0.6);
});

test('samples are taken of messages that only the native engine judged', () => {
  const good = { topic: 0, key: 'k', value: Buffer.from('{"_schema":"order"}'), headers: [] };
  const { judgement } = judge(
    Array.from({ length: 520 }, () => good),
    true,
  );
  expect(judgement.samples).toEqual([0, 256, 512].map(() => [1, expect.any(Number)]));
});

test('a pool knows that its threads have the native engine', async () => {
  const pool = await WorkerPool.open({ threads: 2 });
  expect(pool.nativeMissing).toBeNull();
  await pool.close();
});
