import { expect, test } from 'vitest';
import type { WireRecord } from '../../drivers/kafka-wire/wire.ts';
import { unpackHeaders } from '../../model/header.ts';
import { lettersOf, textHeaders } from '../../testing/dead-letters.ts';
import { fingerprintOfLetter, normalized } from './fingerprint-of-letter.ts';
import { foreignRecord } from './foreign-record.ts';
import { readLetter } from './read-letter.ts';

const origin = { topic: 'orders', partition: 3, offset: 5_000 };
const as = { id: '7b1f3a52-0000-5000-8000-000000000000', schema: null, nowMs: 1_800_000_000_000 };

function letter(record: Partial<WireRecord>) {
  const whole = { offset: 12, timestamp: 1_750_000_000_000, key: Buffer.from('k'), value: Buffer.from('v'), headers: [], ...record };
  return { topic: 'orders-dlt', partition: 1, record: whole };
}

test('a record has the place and the time of its message, and keeps key, value and headers as they are', () => {
  const headers = [{ name: 'empty', value: Buffer.alloc(0) }, { name: 'none', value: null }, ...lettersOf.spring_kafka(origin)];
  const { record, foreign } = foreignRecord(letter({ headers, key: null }), as);
  expect(record).toMatchObject({ ...origin, timestamp: 1_700_000_000_123, key: null, value: Buffer.from('v') });
  expect(unpackHeaders(record.packedHeaders)).toEqual(headers);
  expect(record.fault).toMatchObject({ error_type: 'dead_letter', schema_name: null, field_path: null });
  expect(foreign).toEqual({
    id: as.id,
    family: 'spring_kafka',
    topic: 'orders-dlt',
    partition: 1,
    offset: 12,
    originTopic: 'orders',
    exception: 'org.springframework.kafka.listener.ListenerExecutionFailedException',
    valueIsNull: false,
  });
});

test('where the message was is all or nothing: a topic alone gives the record the place of its dead letter', () => {
  const { record, foreign } = foreignRecord(letter({ headers: lettersOf.confluent_rules(origin) }), as);
  expect(record).toMatchObject({ topic: 'orders-dlt', partition: 1, offset: 12, timestamp: 1_750_000_000_000 });
  expect(foreign.originTopic).toBe('orders');
});

test('a value that is null is not an empty one', () => {
  expect(foreignRecord(letter({ value: null }), as)).toMatchObject({ record: { value: Buffer.alloc(0) }, foreign: { valueIsNull: true } });
  expect(foreignRecord(letter({ value: Buffer.alloc(0) }), as)).toMatchObject({ foreign: { valueIsNull: false } });
});

test('a record of no known family is a record all the same', () => {
  const { record, foreign } = foreignRecord(letter({}), as);
  expect(record).toMatchObject({
    topic: 'orders-dlt',
    offset: 12,
    fault: { error_message: 'a dead letter without headers that are known here' },
  });
  expect(foreign).toMatchObject({ family: 'unknown', originTopic: null, exception: null });
});

test('one cause has one fingerprint, whatever the message and its place', () => {
  const failed = (message: string, place = origin) =>
    fingerprintOfLetter(readLetter([...lettersOf.spring_kafka(place), ...textHeaders({ 'kafka_dlt-exception-message': message })]));
  const first = failed('Listener failed; order 4711 of customer "Ann" has no address');
  expect(failed('Listener failed; order 4712 of customer "Bob Q." has no address', { ...origin, offset: 9 })).toBe(first);
  expect(failed('Listener failed; order 4711 has no customer')).not.toBe(first);
  expect(first).toMatch(/^v1:[0-9a-f]{32}$/);
  const connect = lettersOf.kafka_connect(origin);
  const otherConnector = [...connect, ...textHeaders({ '__connect.errors.connector.name': 'other' })];
  expect(fingerprintOfLetter(readLetter(connect))).not.toBe(fingerprintOfLetter(readLetter(otherConnector)));
});

test('what differs from one message to the next is taken out of its words', () => {
  expect(normalized(`Cannot read 'x"y' at 2026-11-03T10:00:00Z from 10.0.0.1:9092, id 7b1f3a52-aa\n at [Source: ...]`)).toBe(
    'Cannot read … at # from # id #',
  );
  expect(normalized('a'.repeat(100_000))).toHaveLength(400);
});
