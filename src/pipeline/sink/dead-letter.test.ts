import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../../lib/byte-writer.ts';
import { type Header, packed, unpackHeaders } from '../../model/header.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import { Slab } from '../../model/slab.ts';
import { type ErrorType, errorTypes, type Fault, outcomeOf } from '../../model/verdict.ts';
import { sampleFault } from '../../testing/sample-fault.ts';
import type { DeadLetterForm } from './cause-text.ts';
import { deadLetterBytesMax, writeDeadLetter } from './dead-letter.ts';

const quarantinedAt = Date.UTC(2025, 10, 3, 12, 0, 0, 123);

function faultOf(type: ErrorType, overrides: Partial<Fault> = {}): Fault {
  return { ...sampleFault, outcome: outcomeOf(type), error_type: type, ...overrides };
}

function recordOf(value: string | Buffer, overrides: Partial<Quarantined> = {}): Quarantined {
  return {
    id: '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    topic: 'raw-events',
    partition: 3,
    offset: 41_207,
    timestamp: 1_700_000_000_123,
    key: Buffer.from('user-1'),
    value: Buffer.from(value as string),
    packedHeaders: Buffer.alloc(0),
    fault: faultOf('schema_violation'),
    payloadSha256: Buffer.alloc(32),
    quarantinedAt,
    ...overrides,
  };
}

const place: StoredPlace = {
  storagePath: 'raw-events/2025/11/03/01JBQ0000000000000000000AA.seg#60+19',
  fingerprint: 'v1:0123456789abcdef0123456789abcdef',
  quarantinedAt,
};

interface Letter {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Header[];
}

/** The letter as it is read back from the slab that it is written into. */
function letterOf(record: Quarantined, form: DeadLetterForm = 'whole', from: StoredPlace = place): Letter {
  const slab = Slab.allocate(1, deadLetterBytesMax(record, from, form));
  const bytes = writeDeadLetter(new ByteWriter(slab.bytes, 0), record, from, form);
  slab.add({ offset: 0, timestamp: 0, partition: 0, topic: 0, epoch: 0, ...bytes });
  expect(slab.bytesUsed).toBeLessThanOrEqual(slab.bytesMax);
  return { key: slab.key(0), value: slab.value(0) as Buffer, headers: unpackHeaders(slab.packedHeaders(0)) };
}

const envelopeOf = (record: Quarantined, form?: DeadLetterForm) => JSON.parse(letterOf(record, form).value.toString());
const textsOf = (headers: readonly Header[]) => headers.map(({ name, value }) => [name, value?.toString() ?? null]);

test('the envelope holds what its page says, in its order', () => {
  expect(letterOf(recordOf('{"user_id":7}')).value.toString()).toBe(
    '{"original_message":{"user_id":7},"validation_error":{"error_type":"schema_violation","error_message":"must be a \\"string\\"",' +
      '"field_path":"items[3].sku"},"source_topic":"raw-events","source_partition":3,"source_offset":41207,' +
      '"quarantined_at":"2025-11-03T12:00:00.123Z","id":"2ed6657d-e927-568b-95e1-2665a8aea6a2","schema_name":"user_event",' +
      '"schema_version":"1.1.0","fingerprint":"v1:0123456789abcdef0123456789abcdef",' +
      '"storage_path":"raw-events/2025/11/03/01JBQ0000000000000000000AA.seg#60+19"}',
  );
});

test('every byte of a JSON source stands in the envelope: blanks, escapes, number lexemes and repeated names', () => {
  const source = ' {"a" : 1.0e+2, "a":9007199254740993,\r\n"\\u0061":"\\ud800 \\/ größe"}\t';
  const record = recordOf(source, { fault: faultOf('duplicate_key') });
  expect(letterOf(record).value.indexOf(Buffer.from(source))).toBe('{"original_message":'.length);
  expect(() => envelopeOf(record)).not.toThrow();
});

test.each(['malformed_json', 'invalid_utf8', 'too_large', 'too_deep', 'validation_timeout', 'validator_error'] as const)(
  'a %s that is no JSON is kept as base64',
  (type) => {
    for (const source of [
      Buffer.from('{"a":'),
      Buffer.from([0x22, 0xff, 0x22]),
      Buffer.alloc(0),
      Buffer.from('\ufeff{}'),
      Buffer.from([0]),
    ]) {
      const envelope = envelopeOf(recordOf(source, { fault: faultOf(type) }));
      expect(envelope.original_message).toBeNull();
      expect(Buffer.from(envelope.original_message_base64, 'base64')).toEqual(source);
    }
  },
);

test.each(['too_large', 'too_deep', 'validation_timeout', 'validator_error'] as const)('a %s that is JSON is embedded', (type) => {
  expect(envelopeOf(recordOf('[[1]]', { fault: faultOf(type) })).original_message).toEqual([[1]]);
});

test('whatever the source and the fault, the envelope is JSON and holds the source', () => {
  const sourceArbitrary = fc.oneof(
    fc.json({ maxDepth: 2 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  );
  // The types left out are found in JSON only, which arbitrary bytes are not.
  const typeArbitrary = fc.constantFrom(...errorTypes.filter((type) => /^(too_|malformed|invalid_|validat)/.test(type)));
  fc.assert(
    fc.property(sourceArbitrary, typeArbitrary, fc.string({ unit: 'binary' }), (source, type, path) => {
      const letter = letterOf(recordOf(source, { fault: faultOf(type, { field_path: path, schema_name: path }) }));
      const envelope = JSON.parse(letter.value.toString());
      expect(envelope.validation_error.field_path).toBe(path);
      if (envelope.original_message_base64 === undefined) expect(letter.value.includes(source)).toBe(true);
      else expect(Buffer.from(envelope.original_message_base64, 'base64')).toEqual(source);
    }),
  );
});

test.each(['pointer', 'bare'] as const)('a %s letter holds neither form of the payload and its value stays small', (form) => {
  const long = 'ä\0'.repeat(1_000_000);
  const texts = { error_message: long, field_path: long, schema_name: long, schema_version: long };
  const record = recordOf(`{"${long}":1}`, { fault: faultOf('too_large', texts) });
  const envelope = envelopeOf(record, form);
  expect(envelope).toMatchObject({ original_message: null, original_message_base64: null, storage_path: place.storagePath });
  expect(letterOf(record, form).value.length).toBeLessThan(32_768);
});

test('a pointer keeps the key and headers of the source, a bare letter has ours alone', () => {
  const record = recordOf('{}', { packedHeaders: packed([{ name: 'trace', value: Buffer.from('abc') }]) });
  expect(letterOf(record, 'pointer').key).toEqual(record.key);
  expect(letterOf(record, 'pointer').headers[0]).toEqual({ name: 'trace', value: Buffer.from('abc') });
  const bare = letterOf(record, 'bare');
  expect(String(bare.key)).toBe(record.id);
  expect(bare.headers).toEqual(letterOf(record, 'pointer').headers.slice(1));
});

test('the key is the source key, and a null key stays null', () => {
  expect(letterOf(recordOf('{}')).key).toEqual(Buffer.from('user-1'));
  expect(letterOf(recordOf('{}', { key: null })).key).toBeNull();
});

test("our headers follow the source's, in the order of their page", () => {
  const headers = [
    { name: 'trace', value: Buffer.from([0xff]) },
    { name: 'empty', value: Buffer.alloc(0) },
    { name: 'trace', value: null },
    { name: '__proto__', value: Buffer.from('x') },
  ];
  const letter = letterOf(recordOf('{}', { packedHeaders: packed(headers) }));
  expect(letter.headers.slice(0, 4)).toEqual(headers);
  expect(textsOf(letter.headers.slice(4))).toEqual([
    ['dq.id', '2ed6657d-e927-568b-95e1-2665a8aea6a2'],
    ['dq.original.topic', 'raw-events'],
    ['dq.original.partition', '3'],
    ['dq.original.offset', '41207'],
    ['dq.original.timestamp', '1700000000123'],
    ['dq.schema', 'user_event'],
    ['dq.schema.version', '1.1.0'],
    ['dq.error.type', 'schema_violation'],
    ['dq.error.path', 'items[3].sku'],
    ['dq.error.keyword', 'type'],
    ['dq.error.fingerprint', place.fingerprint],
    ['dq.failed.at', '2025-11-03T12:00:00.123Z'],
    ['dq.payload.ref', place.storagePath],
  ]);
});

test("a source's headers under our names are replaced, its other dq headers and those of a replay stay", () => {
  const names = ['dq.id', 'dq.error.path', 'dq.replay.id', 'dq.replay.attempt', 'dq.other', 'dq.id'];
  const record = recordOf('{}', {
    packedHeaders: packed(names.map((name) => ({ name, value: Buffer.from('stale') }))),
    fault: faultOf('schema_violation', { field_path: null }),
  });
  const { headers } = letterOf(record);
  expect(headers.filter(({ value }) => value?.toString() === 'stale').map(({ name }) => name)).toEqual([
    'dq.replay.id',
    'dq.replay.attempt',
    'dq.other',
  ]);
  expect(headers.filter(({ name }) => name === 'dq.id')).toHaveLength(1);
  expect(headers.some(({ name }) => name === 'dq.error.path')).toBe(false);
});

test('what has nothing to say is no header, and an empty path is one', () => {
  const fault = faultOf('schema_violation', { schema_name: null, schema_version: null, keyword: null, field_path: '' });
  const headers = textsOf(letterOf(recordOf('{}', { fault })).headers);
  expect(headers).toContainEqual(['dq.error.path', '']);
  expect(headers.map(([name]) => name)).not.toEqual(expect.arrayContaining(['dq.schema']));
  expect(headers).toHaveLength(10);
});

test('our headers stay within 4 KiB in whole characters, whatever the texts', () => {
  const textArbitrary = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => text.repeat(1000)),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }).map((text) => `x${text.repeat(2000)}`),
  );
  fc.assert(
    fc.property(textArbitrary, (text) => {
      const fault = faultOf('schema_violation', { field_path: text, schema_name: text, schema_version: text, keyword: text });
      const long = { ...place, storagePath: `${'t'.repeat(249)}/2025/11/03/01JBQ0000000000000000000AA.seg#4294967295+4294967295` };
      const letter = letterOf(recordOf('{}', { fault, topic: 't'.repeat(249) }), 'whole', long);
      const bytes = letter.headers.reduce((sum, { name, value }) => sum + Buffer.byteLength(name) + (value?.length ?? 0), 0);
      expect(bytes).toBeLessThanOrEqual(4096);
      const path = letter.headers.find(({ name }) => name === 'dq.error.path')?.value?.toString() ?? '';
      expect(Buffer.from(text).toString().startsWith(path)).toBe(true);
      expect(path.length).toBeGreaterThanOrEqual(Math.min(text.length, 680));
    }),
  );
});
