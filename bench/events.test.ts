import { expect, test } from 'vitest';
import { blankEvent, eventBytes, eventOf, eventOfSchema, sizedEvent } from './events.ts';

test('every event has the same size, and as many are bad as were asked for', () => {
  const events = Array.from({ length: 2_000 }, (_, number) => eventOf(number, 0.005));
  expect(new Set(events.map(({ value }) => value.length))).toEqual(new Set([eventBytes]));
  const good = events.filter(({ value }, number) => value.equals(eventOf(number, 0).value));
  expect(good.length).toBe(1_990);
});

test('an event of another schema has the same size too', () => {
  const { value } = eventOfSchema(499, 'user_event_499');
  expect(value.length).toBe(eventBytes);
  expect(JSON.parse(value.toString())).toMatchObject({ _schema: 'user_event_499', user_id: 'USER000499' });
});

test('a blank event has room for the time of sending', () => {
  expect(blankEvent()).toContain('"event_id":"00000000000000000000"');
  expect(blankEvent().length).toBe(eventBytes);
});

test.each([100, 309, 1_000, 10_000, 100_000])(
  'an event of %i bytes is JSON of exactly that size, and its members grow with it',
  (bytes) => {
    const { value } = sizedEvent(7, bytes);
    expect(value.length).toBe(bytes);
    const { items, pad } = JSON.parse(value.toString()) as { items: unknown[]; pad: string };
    expect(items.length).toBeGreaterThan(bytes / 30 - 4);
    expect(pad.length).toBeLessThan(30);
  },
);
