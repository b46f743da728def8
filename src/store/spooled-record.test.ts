import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { packed } from '../model/header.ts';
import type { Quarantined } from '../model/record.ts';
import type { Fault } from '../model/verdict.ts';
import { decodeSpooled, encodeSpooled } from './spooled-record.ts';

const fault: Fault = {
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'expected a number — größer als 0',
  field_path: 'items[3].preis',
  instance_path: '/items/3/preis',
  keyword: 'type',
  fingerprint: 'v1:0123',
  schema_name: 'order',
  schema_version: '1.0.0',
  engine: 'js',
};

function recordOf(parts: Partial<Quarantined> = {}): Quarantined {
  const value = parts.value ?? Buffer.from('{"a":1}');
  return {
    id: '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    topic: 'raw-events',
    partition: 7,
    offset: 2 ** 40 + 3,
    timestamp: 1_767_225_600_000,
    key: Buffer.from('key'),
    packedHeaders: packed([
      { name: 'a', value: Buffer.from([0, 255]) },
      { name: 'a', value: null },
    ]),
    fault,
    quarantinedAt: 1_767_225_700_000,
    ...parts,
    value,
    payloadSha256: hash('sha256', value, 'buffer'),
  };
}

test.each([
  ['an ordinary one', recordOf()],
  ['one that is known to be no JSON', recordOf({ value: Buffer.from('{'), isJson: false })],
  ['one with nothing in it', recordOf({ key: null, value: Buffer.alloc(0), packedHeaders: Buffer.alloc(0), timestamp: -1 })],
  ['one with an empty key and bytes that are no text', recordOf({ key: Buffer.alloc(0), value: Buffer.from([0, 0xff, 0xfe, 10]) })],
])('a record comes back from the spool as it went in: %s', (_, record) => {
  expect(decodeSpooled(encodeSpooled(record))).toEqual(record);
});
