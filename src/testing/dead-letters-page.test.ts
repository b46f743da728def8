import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Publication } from '../drivers/kafka/lane.ts';
import { ByteWriter } from '../lib/byte-writer.ts';
import { type Header, packed, unpackHeaders } from '../model/header.ts';
import type { Quarantined } from '../model/record.ts';
import { Slab } from '../model/slab.ts';
import type { Fault } from '../model/verdict.ts';
import { deadLetterBytesMax, writeDeadLetter } from '../pipeline/sink/dead-letter.ts';
import { publishMended } from '../pipeline/sink/publish-mended.ts';
import { createHeaderFilter, replayHeaders } from '../review/replay/replay-headers.ts';
import { buildBatch } from './build-batch.ts';
import { sampleFault } from './sample-fault.ts';

/*
 * docs/dead-letters.md against what is really written: the same names in the same order, and of a source's headers just those replaced that
 * the page says.
 */

const page = readFileSync(new URL('../../docs/dead-letters.md', import.meta.url), 'utf8');

/** The first cells of the table under a heading, as far as they are names. */
function namesUnder(heading: string): string[] {
  const [, section = ''] = page.split(`# ${heading}\n`);
  return [...(section.split('\n#')[0] ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name as string);
}

const letterNames = namesUnder('Headers of a dead letter');
const mendedNames = namesUnder('Mended copies');
const replayNames = namesUnder('Replayed copies');
const everyName = [...new Set([...letterNames, ...mendedNames, ...replayNames])];

/** A source that carries every name already, and one of its own. */
const sourceHeaders: readonly Header[] = [...everyName, 'trace'].map((name) => ({ name, value: Buffer.from('of the source') }));
const notOf = (names: readonly string[]) => [...everyName, 'trace'].filter((name) => !names.includes(name));
const namesOf = (headers: readonly Header[]) => headers.map(({ name }) => name);

/** The dead letter of a value, its source having `sourceHeaders`. */
function letterOf(value: string, said: Fault): { envelope: Record<string, unknown>; headers: Header[] } {
  const record: Quarantined = {
    id: '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    topic: 'raw-events',
    partition: 3,
    offset: 41_207,
    timestamp: 1_700_000_000_123,
    key: null,
    value: Buffer.from(value),
    packedHeaders: packed(sourceHeaders),
    fault: said,
    payloadSha256: Buffer.alloc(32),
    quarantinedAt: 0,
  };
  const place = { storagePath: 'raw-events/one.seg#60+19', fingerprint: said.fingerprint, quarantinedAt: 0 };
  const slab = Slab.allocate(1, deadLetterBytesMax(record, place, 'whole'));
  const bytes = writeDeadLetter(new ByteWriter(slab.bytes, 0), record, place, 'whole');
  slab.add({ offset: 0, timestamp: 0, partition: 0, topic: 0, epoch: 0, ...bytes });
  return { envelope: JSON.parse(String(slab.value(0))), headers: slab.headers(0) };
}

function membersOf(envelope: Record<string, unknown>): string[] {
  const inner = Object.keys(envelope['validation_error'] as object).map((name) => `validation_error.${name}`);
  return Object.keys(envelope).flatMap((name) => (name === 'validation_error' ? inner : [name]));
}

test('a dead letter has the headers of its table, behind those of the source that it does not replace', () => {
  expect(letterNames.length).toBeGreaterThan(0);
  expect(namesOf(letterOf('{}', sampleFault).headers)).toEqual([...notOf(letterNames), ...letterNames]);
});

test('its envelope has the members of its table', () => {
  const members = namesUnder('Envelope of a dead letter');
  expect(membersOf(letterOf('{', { ...sampleFault, error_type: 'malformed_json' }).envelope)).toEqual(members);
  expect(membersOf(letterOf('{}', sampleFault).envelope)).toEqual(members.filter((name) => name !== 'original_message_base64'));
});

test('a mended copy has the headers of its table, behind those of the source that it does not replace', async () => {
  const batch = buildBatch([{ headers: sourceHeaders }]);
  const published: Header[] = [];
  const publisher = {
    publish: ({ slab, rows }: Publication) => {
      for (const row of rows) published.push(...slab.headers(row));
      return Promise.resolve([]);
    },
    caughtUp: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const publication = { topic: 'valid', slab: batch.slab, rows: Int32Array.of(0), partitions: Int32Array.of(0), keys: new Map() };
  const mended = new Map([[0, { row: 0, value: Buffer.from('{}'), rules: ['trim@1'], keepOriginal: true }]]);
  await publishMended(publisher, publication, { batch, mended, originals: new Map([[0, 'raw-events/one.seg#60+19']]) });
  expect(mendedNames.length).toBeGreaterThan(0);
  expect(namesOf(published)).toEqual([...notOf(mendedNames), ...mendedNames]);
});

test("a replayed copy has the headers of its table, and of all that are ours none else but the schema's", () => {
  const mark = { planId: 'plan', recordId: 'record', attempt: 1 };
  const headers = unpackHeaders(replayHeaders(packed(sourceHeaders), createHeaderFilter([]), mark));
  expect(replayNames.length).toBeGreaterThan(0);
  expect(namesOf(headers)).toEqual(['dq.schema', 'dq.schema.version', 'trace', ...replayNames]);
});
