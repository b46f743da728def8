import { describe, expect, test } from 'vitest';
import type { Header } from '../model/header.ts';
import { answer, Slab } from '../model/slab.ts';
import { Catalog } from '../registry/catalog.ts';
import { compileInMemory } from '../registry/compiler.ts';
import { parsePointer } from '../registry/json-pointer.ts';
import type { Remediation } from '../registry/remediation.ts';
import { JudgeProgress } from './judge-progress.ts';
import type { LoadedCatalog } from './loaded-catalog.ts';
import { defaultLimits, type JudgeLimits } from './read-json.ts';
import { SlabJudge } from './slab-judge.ts';
import type { TopicRules } from './task.ts';

interface Version {
  readonly name: string;
  readonly version: string;
  readonly schema?: object | boolean;
  readonly key?: string;
  readonly remediation?: Remediation;
}

const catalogOf = (versions: readonly Version[], withdrawn: number[] = [], ids?: [number, number][]): LoadedCatalog => ({
  catalog: new Catalog({
    revision: 1,
    entries: versions.map(({ name, version, key = null }) => ({ name, version, module: '', native: null, digest: '', key })),
    withdrawn,
    ...(ids && { ids }),
  }),
  programs: [],
  schemas: versions.map(({ name, version, schema = true, key, remediation }) => ({
    name,
    version,
    validate: compileInMemory(schema),
    key: key === undefined ? null : parsePointer(key),
    ...(remediation && { remediation }),
  })),
});

const versions: readonly Version[] = [
  { name: 'order', version: '1.0.0', schema: { required: ['a'] } },
  { name: 'order', version: '1.1.0' },
  { name: 'order', version: '2.0.0-beta', schema: false },
  { name: 'constructor', version: '1.0.0' },
  { name: 'sensor', version: '1.0.0', key: '/id' },
];

interface Message {
  readonly value: string | Buffer | null;
  readonly headers?: readonly Header[];
  readonly key?: string | null;
}

interface Setting {
  readonly rules?: Partial<TopicRules>;
  readonly limits?: Partial<JudgeLimits>;
  readonly loaded?: LoadedCatalog;
  readonly absent?: readonly string[];
}

function judgeAll(messages: readonly Message[], { rules, limits, loaded = catalogOf(versions), absent = [] }: Setting = {}) {
  const slab = Slab.allocate(messages.length, 1 << 20);
  for (const [offset, { value, headers = [], key = 'k' }] of messages.entries()) {
    const parts = { value: value === null ? null : Buffer.from(value), key: key === null ? null : Buffer.from(key), headers };
    slab.append({ offset, timestamp: 0, partition: 0, topic: 0, epoch: 0, ...parts });
  }
  const topics = [{ schema: null, allowed: null, strict: false, ...rules }];
  const judge = new SlabJudge({
    slab,
    topics,
    loaded,
    limits: { ...defaultLimits, ...limits },
    absent,
    progress: new JudgeProgress(),
    native: null,
  });
  return { slab, judgement: judge.judge(0, messages.length) };
}

/** `order@1.1.0` for a valid message, else the error type. */
function outcome(message: Message, setting: Setting = {}): string {
  const { slab, judgement } = judgeAll([message], setting);
  const [reject] = judgement.rejects;
  if (reject) {
    expect(slab.answers[0]).toBe(answer.faulty);
    return reject.fault.error_type;
  }
  if (slab.answers[0] === answer.tombstone) return 'tombstone';
  expect(slab.answers[0]).toBe(answer.valid);
  const entry = (setting.loaded ?? catalogOf(versions)).catalog.entry(slab.schemas[0] as number);
  return `${entry?.name}@${entry?.version}`;
}

const header = (name: string, value: string | null): Header => ({ name, value: value === null ? null : Buffer.from(value) });
const json = (value: unknown): Message => ({ value: JSON.stringify(value) });

describe('the schema of a message', () => {
  test('is the newest released version of the one it names', () => {
    expect(outcome(json({ _schema: 'order' }))).toBe('order@1.1.0');
  });

  test('is the very version that it names', () => {
    expect(outcome(json({ _schema: 'order', _schema_version: '1.0.0', a: 1 }))).toBe('order@1.0.0');
    expect(outcome(json({ _schema: 'order', _schema_version: '2.0.0-beta' }))).toBe('schema_violation');
  });

  test('is the one of the last header rather than the one of the value', () => {
    const headers = [
      header('dq.schema', 'sensor'),
      header('other', null),
      header('dq.schema', 'order'),
      header('dq.schema.version', '1.1.0'),
    ];
    expect(outcome({ ...json({ _schema: 'constructor', _schema_version: '1.0.0' }), headers })).toBe('order@1.1.0');
  });

  test('takes a version from the value only where the value does not speak of another schema', () => {
    const headers = [header('dq.schema', 'order')];
    expect(outcome({ ...json({ _schema: 'order', _schema_version: '1.0.0', a: 1 }), headers })).toBe('order@1.0.0');
    expect(outcome({ ...json({ _schema_version: '1.0.0', a: 1 }), headers })).toBe('order@1.0.0');
    expect(outcome({ ...json({ _schema: 'sensor', _schema_version: '1.0.0' }), headers })).toBe('order@1.1.0');
  });

  test('is the default of the topic where the message names none', () => {
    const rules = { schema: 'order' };
    expect(outcome(json({}), { rules })).toBe('order@1.1.0');
    expect(outcome(json({ _schema: null }), { rules })).toBe('order@1.1.0');
    expect(outcome(json(['_schema']), { rules })).toBe('order@1.1.0');
    expect(outcome(json(5), { rules })).toBe('order@1.1.0');
  });

  test('is missing where nothing names one', () => {
    for (const value of [{}, [], 'x', null, { nested: { _schema: 'order' } }]) expect(outcome(json(value))).toBe('schema_missing');
  });

  test.each([
    [{ _schema: 'unknown' }],
    [{ _schema: '../order' }],
    [{ _schema: '' }],
    [{ _schema: 5 }],
    [{ _schema: ['order'] }],
    [{ _schema: 'toString' }],
    [{ _schema: 'order', _schema_version: '9.9.9' }],
    [{ _schema: 'order', _schema_version: '1.0' }],
    [{ _schema: 'order', _schema_version: 1 }],
    [{ _schema: 'order', _schema_version: 'constructor' }],
  ])('is not found for %j', (value) => {
    expect(outcome(json(value))).toBe('schema_not_found');
  });

  test('may be called like a member of every object', () => {
    expect(outcome(json({ _schema: 'constructor' }))).toBe('constructor@1.0.0');
  });

  test('is not found for a header without a value or with bytes that are no text', () => {
    expect(outcome({ ...json({ _schema: 'order' }), headers: [header('dq.schema', null)] })).toBe('schema_not_found');
    expect(outcome({ ...json({}), headers: [{ name: 'dq.schema', value: Buffer.from([0xff]) }] })).toBe('schema_not_found');
  });

  test('is not found once it was withdrawn', () => {
    expect(outcome(json({ _schema: 'constructor' }), { loaded: catalogOf(versions, [3]) })).toBe('schema_not_found');
  });

  test('must be the default or an allowed one on a strict topic', () => {
    const rules = { schema: 'order', allowed: ['sensor'], strict: true };
    expect(outcome(json({}), { rules })).toBe('order@1.1.0');
    expect(outcome(json({ _schema: 'sensor' }), { rules })).toBe('sensor@1.0.0');
    expect(outcome(json({ _schema: 'constructor' }), { rules })).toBe('schema_not_found');
    expect(outcome(json({ _schema: 'constructor' }), { rules: { ...rules, strict: false } })).toBe('constructor@1.0.0');
  });

  test('is never quoted from the message when it is not found', () => {
    const { judgement } = judgeAll([json({ _schema: 'geheim' }), json({ _schema: 'order', _schema_version: 'geheim' })]);
    expect(JSON.stringify(judgement.rejects)).not.toContain('geheim');
    expect(judgement.rejects.map(({ fault }) => [fault.schema_name, fault.schema_version, fault.field_path])).toEqual([
      [null, null, '_schema'],
      ['order', null, '_schema_version'],
    ]);
  });
});

describe('a slab', () => {
  test('gets an answer and a schema number for every row, whatever its neighbours are', () => {
    const valid = JSON.stringify({ _schema: 'order' });
    const messages: Message[] = [valid, '', null, '{', valid, '{"_schema":"order","_schema_version":"1.0.0"}', '\xff', valid].map(
      (value) => ({ value }),
    );
    const { slab, judgement } = judgeAll(messages);
    const { valid: yes, faulty: no, tombstone } = answer;
    expect([...slab.answers]).toEqual([yes, no, tombstone, no, yes, no, no, yes]);
    expect([...slab.schemas]).toEqual([1, -1, -1, -1, 1, 0, -1, 1]);
    expect(judgement.rejects.map(({ row }) => row)).toEqual([1, 3, 5, 6]);
  });

  test('keeps a tombstone a tombstone, however large its headers are', () => {
    const headers = [header('big', 'x'.repeat(1_000))];
    expect(outcome({ value: null, headers }, { limits: { headerBytes: 100 } })).toBe('tombstone');
    expect(outcome({ value: '{}', headers }, { limits: { headerBytes: 100 } })).toBe('too_large');
  });

  test('times about one judged message in 256', () => {
    const { judgement } = judgeAll(Array.from({ length: 2_560 }, () => json({ _schema: 'order' })));
    expect(judgement.samples).toHaveLength(10);
    for (const [schema, seconds] of judgement.samples) {
      expect(schema).toBe(1);
      expect(seconds).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('the key of a keyless message', () => {
  const keyOf = (value: string, pointer = '/id', key: string | null = null): string | null => {
    const loaded = catalogOf([{ name: 'sensor', version: '1.0.0', key: pointer }]);
    const { judgement } = judgeAll([{ value, key }], { loaded, rules: { schema: 'sensor' } });
    expect(judgement.rejects).toEqual([]);
    const [found] = judgement.keys;
    return found ? Buffer.from(found[1]).toString() : null;
  };

  test.each([
    ['{"id":"roof-7"}', '/id', 'roof-7'],
    ['{"id":"d\\u00e9j\\u00e0"}', '/id', 'déjà'],
    ['{"id":""}', '/id', ''],
    ['{"id":true}', '/id', 'true'],
    ['{"id":42}', '/id', '42'],
    ['{"id":12345678901234567890}', '/id', '12345678901234567890'],
    ['{"x":[1,{"id":2}],"id": 0.1000000000000000055 }', '/id', '0.1000000000000000055'],
    ['{"a":[{"i/d":7},{"i/d":8}]}', '/a/1/i~1d', '8'],
    ['17', '', '17'],
  ])('of %s at %j is %j', (value, pointer, key) => {
    expect(keyOf(value, pointer)).toBe(key);
  });

  test.each([['{}'], ['{"id":null}'], ['{"id":{"a":1}}'], ['{"id":[1]}'], ['[]'], ['"id"'], ['null']])('is none for %s', (value) => {
    expect(keyOf(value)).toBe(null);
  });

  test('is not taken from what every object or array has', () => {
    expect(keyOf('{}', '/constructor/name')).toBe(null);
    expect(keyOf('[1]', '/length')).toBe(null);
    expect(keyOf('"abc"', '/length')).toBe(null);
  });

  test('is left alone where the message has one, an empty one too', () => {
    expect(keyOf('{"id":"roof-7"}', '/id', 'own')).toBe(null);
    expect(keyOf('{"id":"roof-7"}', '/id', '')).toBe(null);
  });
});

describe('with a schema registry', () => {
  const registered = [
    { name: 'order', version: '1', schema: { required: ['a'] } },
    { name: 'order', version: '2', schema: { required: ['b'] }, key: '/b' },
    { name: 'copy', version: '1', schema: { required: ['a'] } },
  ];
  const loaded = catalogOf(
    registered,
    [],
    [
      [7, 2],
      [7, 0],
      [8, 1],
    ],
  );
  const framed = (id: number, value: string): Message => {
    const head = Buffer.alloc(5);
    head.writeInt32BE(id, 1);
    return { value: Buffer.concat([head, Buffer.from(value)]) };
  };

  test('the id before the value names its schema, and what follows it is judged', () => {
    expect(outcome(framed(8, '{"b":1}'), { loaded })).toBe('order@2');
    expect(outcome(framed(8, '{"a":1}'), { loaded })).toBe('schema_violation');
    expect(outcome(framed(8, '{'), { loaded })).toBe('malformed_json');
  });

  test('equal schemas of two subjects have one id: the subject of the topic is meant, or one that it allows', () => {
    expect(outcome(framed(7, '{"a":1}'), { loaded })).toBe('copy@1');
    expect(outcome(framed(7, '{"a":1}'), { loaded, rules: { schema: 'order' } })).toBe('order@1');
    expect(outcome(framed(7, '{"a":1}'), { loaded, rules: { allowed: ['order'], strict: true } })).toBe('order@1');
    expect(outcome(framed(7, '{"a":1}'), { loaded, rules: { allowed: ['other'], strict: true } })).toBe('schema_not_found');
  });

  test('a header wins over the id', () => {
    const message = { ...framed(8, '{"a":1}'), headers: [header('dq.schema', 'copy')] };
    expect(outcome(message, { loaded })).toBe('copy@1');
  });

  test('the key is taken from behind the id as it is written', () => {
    const { judgement } = judgeAll([{ ...framed(8, '{"b":1.0}'), key: null }], { loaded });
    expect(judgement.keys.map(([row, key]) => [row, Buffer.from(key).toString()])).toEqual([[0, '1.0']]);
  });

  test('what is mended keeps its id', () => {
    const rules: Remediation['rules'] = [{ name: 'cast', do: 'cast', field: '/n', to: 'integer' }];
    const remediation: Remediation = { version: 1, enabled: true, keepOriginal: false, rules };
    const mending = { name: 'span', version: '1.0.0', schema: { properties: { n: { type: 'integer' } } }, remediation };
    const message = { ...framed(0x80ff, '{ "n":"7" }'), headers: [header('dq.schema', 'span')] };
    const { judgement } = judgeAll([message], { loaded: catalogOf([mending], [], []) });
    expect(judgement.mended?.map(({ value }) => Buffer.from(value))).toEqual([framed(0x80ff, '{ "n":7 }').value]);
  });

  test('what the catalog lacks is a need and no verdict, until the registry has said no', () => {
    const unknown = [framed(9, '{}'), json({ _schema: 'newer' }), json({ _schema: 'order', _schema_version: '3' })];
    const { slab, judgement } = judgeAll([...unknown, framed(8, '{"b":1}')], { loaded });
    expect(judgement.needs).toEqual(['{"id":9}', '{"name":"newer","version":null}', '{"name":"order","version":"3"}']);
    expect([...slab.answers]).toEqual([answer.pending, answer.pending, answer.pending, answer.valid]);
    for (const message of unknown) expect(outcome(message, { loaded, absent: judgement.needs })).toBe('schema_not_found');
  });

  test('a name that is too long for any subject is not asked for', () => {
    const { judgement } = judgeAll([json({ _schema: 'n'.repeat(1_025) })], { loaded });
    expect(judgement.needs).toEqual([]);
    expect(judgement.rejects.map(({ fault }) => fault.error_type)).toEqual(['schema_not_found']);
  });

  test('what the topic would not allow is not asked for', () => {
    const { judgement } = judgeAll([json({ _schema: 'newer' })], { loaded, rules: { allowed: ['order'], strict: true } });
    expect(judgement.needs).toEqual([]);
  });

  test('without a registry a zero byte is no JSON', () => {
    expect(outcome(framed(8, '{"b":1}'))).toBe('malformed_json');
  });
});
