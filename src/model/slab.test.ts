import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answer, type MessageParts, Slab } from './slab.ts';

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)));
const header = fc.record({ name: fc.string({ unit: 'binary', maxLength: 10 }), value: bytes });
const message: fc.Arbitrary<MessageParts> = fc.record({
  offset: fc.maxSafeNat(),
  timestamp: fc.oneof(fc.constant(-1), fc.maxSafeNat()),
  partition: fc.nat(100_000),
  topic: fc.nat(100),
  epoch: fc.nat(2 ** 31 - 1),
  value: bytes,
  key: bytes,
  headers: fc.array(header, { maxLength: 4 }),
});

test('what is appended is read back the same, null and empty kept apart, in this thread and as seen from another', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
      const slab = Slab.allocate(
        8,
        messages.reduce((sum, parts) => sum + Slab.bytesOf(parts), 0),
      );
      for (const parts of messages) expect(slab.append(parts)).toBe(true);
      const seen = Slab.attach(slab.toWire(), slab.count);
      messages.forEach((parts, row) => {
        const { offset, timestamp, partition, topic, epoch } = parts;
        expect({
          offset: seen.offset(row),
          timestamp: seen.timestamp(row),
          partition: seen.partition(row),
          topic: seen.topic(row),
          epoch: seen.epoch(row),
        }).toEqual({ offset, timestamp, partition, topic, epoch });
        expect(seen.value(row)).toEqual(parts.value);
        expect(seen.key(row)).toEqual(parts.key);
        // A lone surrogate has no bytes in UTF-8: a name can only come back as what its bytes say.
        expect(seen.headers(row)).toEqual(parts.headers.map(({ name, value }) => ({ name: Buffer.from(name).toString(), value })));
      });
    }),
  );
});

test('a message that does not fit is refused and leaves the slab as it was', () => {
  const parts: MessageParts = {
    offset: 1,
    timestamp: 0,
    partition: 0,
    topic: 0,
    epoch: 1,
    value: Buffer.alloc(10),
    key: null,
    headers: [],
  };
  const slab = Slab.allocate(2, 15);
  expect(slab.append(parts)).toBe(true);
  expect(slab.append(parts)).toBe(false);
  expect([slab.count, slab.bytesUsed]).toEqual([1, 10]);
});

test('a slab that is used again has forgotten its answers', () => {
  const parts: MessageParts = { offset: 1, timestamp: 0, partition: 0, topic: 0, epoch: 1, value: null, key: null, headers: [] };
  const slab = Slab.allocate(1, 0);
  slab.append(parts);
  slab.answers[0] = answer.tombstone;
  slab.reset();
  slab.append(parts);
  expect(slab.answers[0]).toBe(answer.pending);
});

test('rows of another slab are copied whole, with their answers, as far as they fit', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), fc.nat(200), (messages, bytesMax) => {
      const from = Slab.allocate(
        8,
        messages.reduce((sum, parts) => sum + Slab.bytesOf(parts), 0),
      );
      for (const parts of messages) from.append(parts);
      from.answers.fill(answer.pointer, 0, 1);
      const to = Slab.allocate(8, bytesMax);
      let used = 0;
      messages.forEach((parts, row) => {
        const fits = used + Slab.bytesOf(parts) <= bytesMax;
        const at = to.count;
        expect(to.appendFrom(from, row, 7)).toBe(fits);
        expect(to.count).toBe(fits ? at + 1 : at);
        if (!fits) return;
        used += Slab.bytesOf(parts);
        const seen = (slab: Slab, number: number) => ({
          offset: slab.offset(number),
          timestamp: slab.timestamp(number),
          partition: slab.partition(number),
          epoch: slab.epoch(number),
          answer: slab.answers[number],
          value: slab.value(number),
          key: slab.key(number),
          headers: slab.packedHeaders(number),
        });
        expect(seen(to, at)).toEqual(seen(from, row));
        expect(to.topic(at)).toBe(7);
      });
    }),
  );
});
