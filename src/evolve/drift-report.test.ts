import { expect, test } from 'vitest';
import { plannedFields } from '../registry/planned-fields.ts';
import type { SeenField } from '../store/drift-store.ts';
import { driftOf } from './drift-report.ts';

const planned = plannedFields({ type: 'object', properties: { id: { type: 'string' }, old: { type: 'string' }, never: {} } });
const day = 24 * 3_600_000;
const now = Date.UTC(2026, 10, 4);
const seen = (path: string, type: string, messages = 200, agoMs = 0): SeenField => ({
  schemaName: 'order',
  schemaVersion: '1.0.0',
  producer: 'shop',
  path,
  type,
  messages,
  firstSeen: new Date(now - 10 * day),
  lastSeen: new Date(now - agoMs),
});
const drifts = (fields: SeenField[]) =>
  driftOf(fields, [], () => planned).map(({ kind, path, types, messages, samples }) => `${kind} ${path} ${types} ${messages}/${samples}`);

test('unplanned fields, types and fields that vanished or never came are named with how often they were seen', () => {
  const fields = [
    seen('', 'object'),
    seen('/id', 'string'),
    seen('/id', 'integer', 3),
    seen('/old', 'string', 50, 2 * day),
    seen('/new', 'null', 7),
  ];
  expect(drifts(fields)).toEqual([
    'type /id integer 3/200',
    'unplanned /new null 7/200',
    'vanished /old string 50/200',
    'vanished /never  0/200',
  ]);
});

test('a few messages say nothing of what is missing', () => {
  expect(drifts([seen('', 'object', 20)])).toEqual([]);
});

test('of a version that is not known here nothing is said', () => {
  expect(driftOf([seen('/new', 'null')], [], () => null)).toEqual([]);
});
