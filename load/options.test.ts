import { expect, test } from 'vitest';
import { kindSets } from '../src/testing/sample-events.ts';
import { loadOptions } from './options.ts';

test('without a flag it is 10,000 messages a second for a minute, of all kinds', () => {
  expect(loadOptions([], {})).toMatchObject({
    brokers: '127.0.0.1:9092',
    topic: 'raw-events',
    rate: 10_000,
    messages: 600_000,
    invalid: 0.05,
    sizeBytes: 300,
    kinds: kindSets.all,
  });
});

test('the brokers of the environment are taken, and a flag wins over them', () => {
  const env = { DQ_KAFKA_BROKERS: 'a:1,b:2' };
  expect(loadOptions([], env)?.brokers).toBe('a:1,b:2');
  expect(loadOptions(['--brokers', 'c:3'], env)?.brokers).toBe('c:3');
});

test('a number of messages wins over a number of seconds', () => {
  expect(loadOptions(['--rate', '100', '--seconds', '3'], {})?.messages).toBe(300);
  expect(loadOptions(['--rate', '100', '--seconds', '3', '--messages', '7'], {})?.messages).toBe(7);
});

test('kinds can be chosen one by one', () => {
  expect(loadOptions(['--kinds', 'plain'], {})?.kinds).toEqual(['schema_violation']);
  expect(loadOptions(['--kinds', 'large_value, tombstone'], {})?.kinds).toEqual(['large_value', 'tombstone']);
});

test('properties of the client are taken as they are', () => {
  expect(loadOptions(['-X', 'security.protocol=ssl', '-X', 'ssl.key.password=a=b'], {})?.client).toEqual({
    'security.protocol': 'ssl',
    'ssl.key.password': 'a=b',
  });
});

test('help is no load', () => {
  expect(loadOptions(['--help'], {})).toBe(null);
});

test.each([
  ['--kinds', ['--kinds', 'all,odd']],
  ['--invalid', ['--invalid', '5']],
  ['--size', ['--size', '']],
  ['--schemas', ['--schemas', '2.5']],
  ['--rate 0 needs --messages', ['--rate', '0']],
  ['-X takes KEY=VALUE', ['-X', 'ssl']],
  ['--frequency', ['--frequency', '3']],
])('what cannot be meant is named: %s', (named, words) => {
  expect(() => loadOptions(words, {})).toThrow(
    expect.objectContaining({ code: 'DQ_CONFIG_INVALID', message: expect.stringContaining(named) }),
  );
});
