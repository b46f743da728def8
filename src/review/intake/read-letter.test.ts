import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { infrastructureHeaders } from '../../config/infrastructure-headers.ts';
import type { Header } from '../../model/header.ts';
import { int32, int64, lettersOf, textHeaders } from '../../testing/dead-letters.ts';
import { createHeaderFilter } from '../replay/replay-headers.ts';
import { families } from './families.ts';
import { readLetter } from './read-letter.ts';

const origin = { topic: 'orders', partition: 3, offset: 5_000_000_000 };
const traced: readonly Header[] = textHeaders({ traceparent: '00-ab-cd-01' });

describe('each family is read as it is written:', () => {
  test('Kafka Connect', () => {
    expect(readLetter([...traced, ...lettersOf.kafka_connect(origin)])).toEqual({
      family: 'kafka_connect',
      topic: 'orders',
      origin,
      timestamp: null,
      exceptions: [
        'org.apache.kafka.connect.errors.DataException',
        'org.apache.kafka.common.errors.SerializationException',
        'com.fasterxml.jackson.core.JsonParseException',
      ],
      message: 'Converting byte[] to Kafka Connect data failed due to serialization error: ',
      summary:
        'Kafka Connect gave it up: DataException, caused by SerializationException, caused by JsonParseException, at VALUE_CONVERTER of connector orders-sink',
    });
  });

  test('Kafka Streams, with a message that is null', () => {
    expect(readLetter([...traced, ...lettersOf.kafka_streams(origin)])).toMatchObject({
      family: 'kafka_streams',
      origin,
      exceptions: ['java.lang.ArithmeticException'],
      message: null,
      summary: 'Kafka Streams gave it up: ArithmeticException',
    });
  });

  test('share groups', () => {
    expect(readLetter(lettersOf.share_group(origin))).toMatchObject({
      family: 'share_group',
      origin,
      exceptions: [],
      message: 'Offset delivery count exceeded the threshold.',
      summary: 'a share group gave it up: in group billing',
    });
  });

  test('Spring Kafka, whose numbers are big-endian', () => {
    expect(readLetter([...traced, ...lettersOf.spring_kafka(origin)])).toMatchObject({
      family: 'spring_kafka',
      origin,
      timestamp: 1_700_000_000_123,
      exceptions: ['org.springframework.kafka.listener.ListenerExecutionFailedException', 'java.lang.IllegalStateException'],
      summary: 'Spring Kafka gave it up: ListenerExecutionFailedException, caused by IllegalStateException, in group shipping',
    });
  });

  test('Spring Kafka with a key that could not be read', () => {
    const headers = textHeaders({
      'kafka_dlt-key-exception-fqcn': 'org.springframework.kafka.support.serializer.DeserializationException',
      'kafka_dlt-key-exception-message': 'failed to deserialize',
    });
    expect(readLetter(headers)).toMatchObject({
      family: 'spring_kafka',
      origin: null,
      exceptions: ['org.springframework.kafka.support.serializer.DeserializationException'],
      message: 'failed to deserialize',
    });
  });

  test('SmallRye, whose headers stand before those of the message', () => {
    expect(readLetter([...lettersOf.smallrye(origin), ...traced])).toMatchObject({
      family: 'smallrye',
      origin,
      exceptions: ['java.lang.IllegalArgumentException', 'java.util.NoSuchElementException'],
      message: 'no movie of that name\nNo value present',
      summary: 'SmallRye gave it up: IllegalArgumentException, caused by NoSuchElementException',
    });
  });

  test('Confluent rules, which know the topic and no place in it', () => {
    expect(readLetter([...traced, ...lettersOf.confluent_rules(origin)])).toMatchObject({
      family: 'confluent_rules',
      topic: 'orders',
      origin: null,
      message: 'Expr failed: size(message.greet) == 4',
      summary: 'a Confluent rule gave it up: by rule checkLen on WRITE of subject orders-value',
    });
  });
});

test('a dead letter without known headers is of no known family', () => {
  expect(readLetter([])).toMatchObject({ family: 'unknown', origin: null, message: null });
  expect(readLetter(traced)).toMatchObject({ family: 'unknown' });
});

test('of several passes the origin is that of the first and the exception that of the last', () => {
  const retried = { topic: 'orders-retry', partition: 0, offset: 7 };
  const twice = [
    ...lettersOf.spring_kafka(origin),
    ...lettersOf.spring_kafka(retried),
    ...textHeaders({ 'kafka_dlt-exception-cause-fqcn': 'java.lang.Error' }),
  ];
  expect(readLetter(twice)).toMatchObject({ origin, exceptions: [expect.any(String), 'java.lang.Error'] });
  expect(readLetter([...lettersOf.smallrye(retried), ...lettersOf.smallrye(origin)])).toMatchObject({ origin });
});

test('where several families have written, the last one gave the message up', () => {
  const again = { topic: 'orders-dlt', partition: 0, offset: 1 };
  expect(readLetter([...lettersOf.spring_kafka(origin), ...lettersOf.kafka_connect(again)])).toMatchObject({
    family: 'kafka_connect',
    origin: again,
  });
});

describe('what is not as it is written counts as not said:', () => {
  const spring = (name: string, value: Buffer | null) =>
    readLetter([...lettersOf.spring_kafka(origin).filter((header) => header.name !== name), { name, value }]);
  test.each([
    ['kafka_dlt-original-partition', Buffer.alloc(3)],
    ['kafka_dlt-original-partition', Buffer.from('3')],
    ['kafka_dlt-original-partition', int32(-1)],
    ['kafka_dlt-original-offset', Buffer.alloc(0)],
    ['kafka_dlt-original-offset', int32(5)],
    ['kafka_dlt-original-offset', int64(-5)],
    ['kafka_dlt-original-offset', Buffer.alloc(8, 0x7f)],
    ['kafka_dlt-original-offset', null],
    ['kafka_dlt-original-topic', Buffer.from([0xff, 0xfe])],
    ['kafka_dlt-original-topic', Buffer.from('../../etc')],
    ['kafka_dlt-original-topic', Buffer.from('..')],
    ['kafka_dlt-original-topic', Buffer.from('a#b')],
    ['kafka_dlt-original-topic', Buffer.from('a'.repeat(250))],
    ['kafka_dlt-original-topic', Buffer.alloc(0)],
  ])('%s %s', (name, value) => {
    expect(spring(name, value)).toMatchObject({ family: 'spring_kafka', origin: null });
  });

  test.each(['-1', '', ' 3', '3.0', '0x3', '9'.repeat(17), '٣', '1e3'])('a partition %j', (partition) => {
    const headers = lettersOf.kafka_connect(origin).filter(({ name }) => name !== '__connect.errors.partition');
    expect(readLetter([...headers, ...textHeaders({ '__connect.errors.partition': partition })]).origin).toBeNull();
  });

  test('a time that is none', () => {
    expect(spring('kafka_dlt-original-timestamp', int64(-1)).timestamp).toBeNull();
    expect(spring('kafka_dlt-original-timestamp', Buffer.alloc(8, 0x7f)).timestamp).toBeNull();
  });

  test('a class that is none, and words in the place of a name', () => {
    const headers = textHeaders({
      '__connect.errors.exception.class.name': 'card 4111 1111',
      '__connect.errors.stage': 'Ann\nSmith',
      '__connect.errors.exception.stacktrace': 'x\nCaused by: not a class\nCaused by: a.B: words\n',
    });
    expect(readLetter(headers)).toMatchObject({ exceptions: ['a.B'], summary: 'Kafka Connect gave it up: B' });
  });
});

test('no summary holds words of a message or of a stack trace', () => {
  for (const headers of Object.values(lettersOf)) {
    const { summary } = readLetter(headers(origin));
    expect(summary).not.toMatch(/secret|Unrecognized|Ann|4711|movie|Expr|threshold/);
  }
});

test('a cause that the message itself names is words that were quoted', () => {
  const words =
    'DataException: Value (Jane\nCaused by: card.N4111: x) was out of range\n\tat a.B.c(B.java:1)\nCaused by: java.lang.Error: x';
  const headers = textHeaders({
    '__connect.errors.exception.class.name': 'a.DataException',
    '__connect.errors.exception.stacktrace': `a.${words}`,
  });
  const quoted = Buffer.from(String.raw`{"amount":"Jane\nCaused by: card.N4111: x","error":"a.DataException"}`);
  const escaped = String.raw`{"amount":"Jane\n\u0043aused by: c\u0061rd\u002e\u004E4111: x"}`;
  const without = {
    exceptions: ['a.DataException', 'java.lang.Error'],
    summary: 'Kafka Connect gave it up: DataException, caused by Error',
  };
  expect(readLetter(headers, [null, Buffer.from(escaped)])).toMatchObject(without);
  expect(readLetter(headers, [null, Buffer.from(JSON.stringify({ within: escaped }))])).toMatchObject(without);
  const twice = String.raw`{"amount":"Jane\nCaused by: c\u005cu0061rd.\u005c\u0075004e4111: x"}`;
  expect(readLetter(headers, [null, Buffer.from(twice)])).toMatchObject(without);
  expect(readLetter(headers, [null, quoted])).toMatchObject(without);
  expect(readLetter(headers, [quoted, null])).toMatchObject(without);
  expect(readLetter([{ name: 'said', value: quoted }, ...headers])).toMatchObject(without);
});

test('however many causes the message names, the one that was thrown is told', () => {
  const lines = Array.from({ length: 9 }, (_, number) => `Caused by: card.N${number}: x`).join('\n');
  const headers = textHeaders({
    '__connect.errors.exception.class.name': 'a.DataException',
    '__connect.errors.exception.stacktrace': `a.DataException: Value (${lines}) was out of range\nCaused by: java.lang.Error: x`,
  });
  expect(readLetter(headers, [null, Buffer.from(lines)]).exceptions).toEqual(['a.DataException', 'java.lang.Error']);
});

test('a message of nothing but backslashes is looked through like any other', () => {
  const headers = textHeaders({ '__connect.errors.exception.stacktrace': 'a.B: x\nCaused by: java.lang.Error: x' });
  const run = Buffer.from(`${'\\'.repeat(1_000_000)} c\\u0061rd`);
  expect(readLetter(headers, [null, run]).exceptions).toEqual(['java.lang.Error']);
});

test('headers of any bytes are read without an error', () => {
  const names = families.flatMap(({ origin: { topic, partition, offset, timestamp }, classes, messages, stacktraces, names: more }) =>
    [topic, partition, offset, timestamp, ...classes, ...messages, ...stacktraces, ...more.map(([, name]) => name)].filter(
      (name) => name !== undefined,
    ),
  );
  const value = fc.option(
    fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)),
    { nil: null },
  );
  fc.assert(
    fc.property(fc.array(fc.record({ name: fc.constantFrom(...names), value })), (headers) => {
      const { origin: place, summary } = readLetter(headers);
      expect(summary.length).toBeGreaterThan(0);
      if (place) expect([place.partition, place.offset].every((number) => Number.isSafeInteger(number) && number >= 0)).toBe(true);
    }),
  );
});

test('a replay leaves out every header that a family puts on', () => {
  const strip = createHeaderFilter(infrastructureHeaders);
  for (const headers of Object.values(lettersOf)) for (const { name } of headers(origin)) expect([name, strip(name)]).toEqual([name, true]);
  expect(strip('traceparent')).toBe(false);
});
