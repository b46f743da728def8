import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFrames, encodeFrame } from './spool-frames.ts';

const salt = 0x5a17;
const fileOf = (records: readonly Buffer[]) => Buffer.concat(records.flatMap((record) => encodeFrame(record, salt)));
const texts = (bytes: Buffer) => decodeFrames(bytes, salt).records.map(String);
const words = ['first', '', 'a somewhat longer third', 'fourth', 'last'];
const file = fileOf(words.map((word) => Buffer.from(word)));
/** Where each frame ends. */
const ends = words.map((_, index) => fileOf(words.slice(0, index + 1).map((word) => Buffer.from(word))).length);

test('what was written is read, in order', () => {
  expect(texts(file)).toEqual(words);
  expect(decodeFrames(file, salt).damages).toEqual([]);
  expect(decodeFrames(Buffer.alloc(0), salt)).toEqual({ records: [], damages: [] });
});

test('wherever a file is cut off, all whole records before are read and the rest is a torn tail', () => {
  for (let length = 0; length <= file.length; length++) {
    const whole = ends.filter((end) => end <= length);
    const { records, damages } = decodeFrames(file.subarray(0, length), salt);
    expect(records.map(String)).toEqual(words.slice(0, whole.length));
    const torn = { kind: 'torn', from: whole.at(-1) ?? 0, to: length };
    expect(damages).toEqual(torn.from === length ? [] : [torn]);
  }
});

test('space that nobody wrote to is a torn tail', () => {
  const { records, damages } = decodeFrames(Buffer.concat([file, Buffer.alloc(4_096)]), salt);
  expect(records).toHaveLength(words.length);
  expect(damages).toEqual([{ kind: 'torn', from: file.length, to: file.length + 4_096 }]);
});

test('whichever bit flips, the one record is damaged and named, and all others are read', () => {
  for (let bit = 0; bit < file.length * 8; bit++) {
    const bytes = Buffer.from(file);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    const hit = ends.findIndex((end) => bit >> 3 < end);
    const { records, damages } = decodeFrames(bytes, salt);
    expect(records.map(String)).toEqual(words.filter((_, index) => index !== hit));
    expect(damages).toEqual([{ kind: 'damaged', from: ends[hit - 1] ?? 0, to: ends[hit] }]);
  }
});

test('a frame inside a record is a record only to who knows the salt', () => {
  const inner = fileOf([Buffer.from('inside')]);
  const guessed = Buffer.concat(encodeFrame(Buffer.from('inside'), salt + 1));
  for (const hidden of [inner, guessed]) {
    const bytes = fileOf([hidden, Buffer.from('after')]);
    expect(decodeFrames(bytes, salt).records.at(0)).toEqual(hidden);
    bytes[0] = 0;
    expect(texts(bytes)).toEqual(hidden === inner ? ['inside', 'after'] : ['after']);
  }
});

test('of any records with any damage, what is read was written, in order, and every byte is read or reported', () => {
  const records = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 12 });
  const blows = fc.array(fc.record({ at: fc.nat(), length: fc.integer({ min: 1, max: 40 }), fill: fc.nat(255) }), { maxLength: 3 });
  fc.assert(
    fc.property(records, blows, fc.nat(), (some, hits, cut) => {
      const written = some.map((one) => Buffer.from(one));
      const whole = fileOf(written);
      const bytes = Buffer.from(whole.subarray(0, whole.length - (cut % (whole.length + 1))));
      for (const { at, length, fill } of hits)
        if (bytes.length > 0) bytes.fill(fill, at % bytes.length, Math.min(bytes.length, (at % bytes.length) + length));
      const { records: read, damages } = decodeFrames(bytes, salt);
      let from = 0;
      for (const one of read) {
        const found = written.findIndex((record, index) => index >= from && record.equals(one));
        expect(found).toBeGreaterThanOrEqual(0);
        from = found + 1;
      }
      const readBytes = read.reduce((sum, one) => sum + 16 + one.length, 0);
      expect(readBytes + damages.reduce((sum, damage) => sum + damage.to - damage.from, 0)).toBe(bytes.length);
    }),
    { numRuns: 500 },
  );
});
