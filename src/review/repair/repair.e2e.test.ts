import { expect, test } from 'vitest';
import { EditStore } from '../../store/edits.ts';
import { type Desk, openDesk, operator, saleFault } from '../../testing/review-desk.ts';
import { BulkEdits } from './bulk-edits.ts';
import { readPatch, readRules } from './change.ts';
import { Edits } from './edits.ts';
import { proposeRepairs } from './proposals.ts';
import { SchemaDocuments } from './schema-documents.ts';

const nothingElse = async () => {};
const firstPage = { after: null, limit: 50 };

function rooms({ database, storage, payloads, checker, registry }: Desk) {
  const store = new EditStore(database);
  const schemas = new SchemaDocuments(async () => registry.catalog());
  return {
    store,
    schemas,
    edits: new Edits({ storage, payloads, store, checker }),
    bulk: new BulkEdits({ storage, payloads, store, checker, schemas }),
  };
}

const patchOf = (operations: string) => ({ change: readPatch(`{"patch":${operations}}`) });

test('an edit keeps every byte that it does not name, and every digit that it does', async () => {
  const desk = await openDesk();
  const { edits } = rooms(desk);
  const before = '{ "id" : 9007199254740993,"amount":"12.50" , "b":1e3, "a":"\\u00e4\\/" }';
  const [id] = (await desk.quarantine([{ value: before, key: 'k' }])) as [string];
  const made = patchOf('[{"op":"replace","path":"/amount","value":123456789012345678901234567890.10}]');
  const { edit, version } = await edits.editRecord({ recordId: id, version: 1, made, schemaVersion: null }, operator, nothingElse);
  expect(edit.value).toBe(before.replace('"12.50"', '123456789012345678901234567890.10'));
  expect(edit).toMatchObject({ record_id: id, by: 'olga', valid: true, schema_name: 'sale', schema_version: '1.0.0' });
  expect(version).toBe(2);
  const [stored] = await rooms(desk).store.list(id, firstPage);
  const frame = await desk.payloads.frame(stored as NonNullable<typeof stored>);
  expect([frame.value.toString(), frame.key?.toString()]).toEqual([edit.value, 'k']);
  expect(await edits.editsOf(id, firstPage, operator)).toEqual({ items: [edit], next: null });
  expect((await edits.editsOf(id, firstPage, { ...operator, payloadRead: false })).items[0]).not.toHaveProperty('value');
});

test('an edit that is still invalid is refused with the verdict and not kept', async () => {
  const desk = await openDesk();
  const { edits } = rooms(desk);
  const [id] = (await desk.quarantine([{ value: '{"id":1,"amount":"x"}' }])) as [string];
  const made = { value: '{"id":"secret","amount":1}' };
  await expect(edits.editRecord({ recordId: id, version: 1, made, schemaVersion: null }, operator, nothingElse)).rejects.toMatchObject({
    statusCode: 422,
    members: { verdict: { outcome: 'invalid', error_type: 'schema_violation', field_path: 'id', keyword: 'type' } },
    message: expect.not.stringContaining('secret') as string,
  });
  expect(await edits.editsOf(id, firstPage, operator)).toEqual({ items: [], next: null });
});

test('an edit is refused where the record was changed meanwhile, is no longer open, cannot be patched or cannot be seen', async () => {
  const desk = await openDesk();
  const { edits } = rooms(desk);
  const [id, broken, gone] = (await desk.quarantine([
    { value: '{"id":1,"amount":"x"}' },
    { value: '{"id":', fault: { error_type: 'malformed_json' } },
    { value: '{}' },
  ])) as [string, string, string];
  await desk.database.withClient((client) => client.query("UPDATE quarantine_records SET status = 'discarded' WHERE id = $1", [gone]));
  const edit = (recordId: string, version: number, operations = '[{"op":"add","path":"/amount","value":1}]', caller = operator) =>
    edits.editRecord({ recordId, version, made: patchOf(operations), schemaVersion: null }, caller, nothingElse);
  await expect(edit(id, 7)).rejects.toMatchObject({ statusCode: 412 });
  await expect(edit(gone, 1)).rejects.toMatchObject({ statusCode: 409 });
  await expect(edit(broken, 1)).rejects.toMatchObject({ statusCode: 422 });
  await expect(edit(id, 1, '[{"op":"remove","path":"/none"}]')).rejects.toMatchObject({ statusCode: 422 });
  await expect(edit(id, 1, '[]', { ...operator, topicPrefixes: ['other-'] })).rejects.toMatchObject({ statusCode: 404 });
});

test('half of a surrogate pair is refused, for no bytes could hold it', async () => {
  const desk = await openDesk();
  const [id] = (await desk.quarantine([{ value: '{"id":1,"amount":"x"}' }])) as [string];
  const made = { value: '{"id":1,"amount":1,"note":"\ud800"}' };
  const { edits } = rooms(desk);
  await expect(edits.editRecord({ recordId: id, version: 1, made, schemaVersion: null }, operator, nothingElse)).rejects.toMatchObject({
    statusCode: 422,
    message: expect.stringContaining('character 27') as string,
  });
});

test('an edit and what else its transaction does are kept together or not at all', async () => {
  const desk = await openDesk();
  const { edits, bulk } = rooms(desk);
  const [id] = (await desk.quarantine([{ value: '{"id":1,"amount":"1"}' }])) as [string];
  const fails = () => Promise.reject(new Error('no entry'));
  const change = readPatch('{"patch":[{"op":"replace","path":"/amount","value":1}]}');
  const one = { recordId: id, version: 1, made: { change }, schemaVersion: null };
  await expect(edits.editRecord(one, operator, fails)).rejects.toThrow('no entry');
  const all = { fingerprint: saleFault.fingerprint, change, schemaVersion: null, dryRun: false, overwrite: false };
  await expect(bulk.edit(all, operator, fails)).rejects.toThrow('no entry');
  expect(await edits.editsOf(id, firstPage, operator)).toEqual({ items: [], next: null });
  expect(await desk.column('version', [id])).toEqual([1]);
});

test('one change over a group leaves what somebody has edited before, unless it is to be overwritten', async () => {
  const desk = await openDesk();
  const { edits, bulk } = rooms(desk);
  const ids = (await desk.quarantine([1, 2, 3].map((id) => ({ value: `{"id":${id},"amount":"${id}"}` })))) as [string, string, string];
  const byHand = { recordId: ids[0], version: 1, made: { value: '{"id":1,"amount":77}' }, schemaVersion: null };
  await edits.editRecord(byHand, operator, nothingElse);
  const change = readRules([{ name: 'amount_as_number', do: 'cast', field: '/amount', to: 'number' }]);
  const request = { fingerprint: saleFault.fingerprint, change, schemaVersion: null, overwrite: false };
  expect(await bulk.edit({ ...request, dryRun: true }, operator, nothingElse)).toMatchObject({ records: 3, mended: 2, edited: 1 });
  const kept: unknown[] = [];
  const also = async (_: unknown, one: unknown) => void kept.push(one);
  expect(await bulk.edit({ ...request, dryRun: false }, operator, also)).toMatchObject({ records: 3, mended: 2, edited: 1 });
  expect((await edits.editsOf(ids[0], firstPage, operator)).items.map(({ value }) => value)).toEqual(['{"id":1,"amount":77}']);
  const again = { ...request, overwrite: true };
  expect(await bulk.edit({ ...again, dryRun: true }, operator, nothingElse)).toMatchObject({ records: 3, mended: 3, edited: 3 });
  expect(await bulk.edit({ ...again, dryRun: false }, operator, also)).toMatchObject({ records: 3, mended: 3, edited: 3 });
  expect(kept).toEqual([
    { edits: 2, replaced: 0 },
    { edits: 3, replaced: 3 },
  ]);
  const first = await edits.editsOf(ids[0], { after: null, limit: 1 }, operator);
  expect(first.items.map(({ value }) => value)).toEqual(['{"id":1,"amount":77}']);
  const second = await edits.editsOf(ids[0], { after: first.next, limit: 1 }, operator);
  expect([second.items.map(({ value }) => value), second.next]).toEqual([['{"id":1,"amount":1}'], null]);
});

test('what a flood left in its source is edited, proposed and mended like everything else, and what is gone from there is named', async () => {
  const desk = await openDesk();
  const { edits, bulk, schemas } = rooms(desk);
  const stays = [1, 2, 3].map((id) => ({ value: `{"id":${id},"amount":"${id}"}`, key: 'k', partition: id % 2 }));
  const ids = (await desk.leaveInSource(stays)) as [string, string, string];
  const [gone] = (await desk.leaveInSource([{ value: '{"id":4,"amount":"4"}' }], { published: false })) as [string];
  const made = { change: readPatch('{"patch":[{"op":"replace","path":"/amount","value":5}]}') };
  const edit = (recordId: string) => edits.editRecord({ recordId, version: 1, made, schemaVersion: null }, operator, nothingElse);
  expect((await edit(ids[0])).edit.value).toBe('{"id":1,"amount":5}');
  await expect(edit(gone)).rejects.toMatchObject({ statusCode: 410, members: { payload_state: 'gone' } });
  const [proposal] = await proposeRepairs(saleFault.fingerprint, { bulk, schemas }, operator);
  expect(proposal).toMatchObject({ kind: 'cast', sampled: 4, mended: 3 });
  const change = readRules([{ name: 'amount_as_number', do: 'cast', field: '/amount', to: 'number' }]);
  const request = { fingerprint: saleFault.fingerprint, change, schemaVersion: null, overwrite: false, dryRun: false };
  expect(await bulk.edit(request, operator, nothingElse)).toMatchObject({ records: 4, mended: 2, unpatchable: 1, edited: 1 });
});

test('a group of ten thousand is mended by one change, looked at first, and replayed with nothing lost, doubled or reordered', async () => {
  const desk = await openDesk();
  const { bulk } = rooms(desk);
  const count = 10_000;
  const stays = Array.from({ length: count }, (_, number) => ({
    value: `{"id":${number},"amount":"${number}.50","note":"\\u00e4"}`,
    key: `k${number % 500}`,
    partition: (number % 500) % 4,
    timestamp: 1_700_000_000_000 + number,
  }));
  const ids = [];
  for (let from = 0; from < count; from += 1_000) ids.push(...(await desk.quarantine(stays.slice(from, from + 1_000))));
  const change = readRules([{ name: 'amount_as_number', do: 'cast', field: '/amount', to: 'number' }]);
  const request = { fingerprint: saleFault.fingerprint, change, schemaVersion: null, overwrite: false };
  const preview = await bulk.edit({ ...request, dryRun: true }, operator, nothingElse);
  expect(preview).toMatchObject({ records: count, mended: count, still_invalid: 0, unpatchable: 0, changed: 0 });
  expect(preview.examples).toHaveLength(10);
  expect(preview.examples[0]).toMatchObject({
    before: expect.stringContaining('.50"') as string,
    after: expect.stringContaining('.50,') as string,
  });
  expect(await desk.column('version', ids.slice(0, 1))).toEqual([1]);
  const done = await bulk.edit({ ...request, dryRun: false }, { ...operator, payloadRead: false }, nothingElse);
  expect(done).toMatchObject({ records: count, mended: count, changed: 0 });
  expect(done.examples[0]).not.toHaveProperty('after');
  const plan = await desk.plans.createPlan(
    { filter: { fingerprint: saleFault.fingerprint }, dry_run: false, include_superseded: false },
    operator,
    nothingElse,
  );
  expect(plan.report.forecast).toMatchObject({ will_pass: count });
  desk.runner().start();
  desk.runner().start();
  await desk.plans.startPlan(plan.id, operator, async () => {});
  for await (const now of desk.plans.watchPlan(plan.id, operator, new AbortController().signal))
    if (now.finished_at) expect(now.state).toBe('done');
  const sentTo = (partition: number) => stays.filter((stay) => stay.partition === partition);
  for (const [partition, records] of (await desk.published()).entries()) {
    const byKey = (all: readonly { key: string; value: string }[]) =>
      [...all].sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
    const found = records.map(({ key, value }) => ({ key: key?.toString() ?? '', value: value?.toString() ?? '' }));
    const wanted = sentTo(partition).map(({ key, value }) => ({ key, value: value.replace(/"(\d+\.50)"/, '$1') }));
    expect(byKey(found)).toEqual(byKey(wanted));
  }
});

test('repairs are proposed from the group itself and tried on it', async () => {
  const desk = await openDesk();
  const { bulk, schemas } = rooms(desk);
  const fingerprint = (letter: string) => `v1:${letter.repeat(32)}`;
  await desk.quarantine([
    ...['1.5', '2', 'much'].map((amount) => ({ value: `{"id":1,"amount":"${amount}"}`, fault: { fingerprint: fingerprint('a') } })),
    ...['Eur ', ' usd'].map((currency) => ({
      value: `{"id":1,"amount":1,"currency":"${currency.trim()}"}`,
      fault: { fingerprint: fingerprint('b'), keyword: 'enum', instance_path: '/currency' },
    })),
    { value: '{"id":1,"Amount":3}', fault: { fingerprint: fingerprint('c'), keyword: 'required', instance_path: '/amount' } },
  ]);
  const propose = (letter: string, caller = operator) => proposeRepairs(fingerprint(letter), { bulk, schemas }, caller);
  expect((await propose('a'))[0]).toMatchObject({ kind: 'cast', sampled: 3, mended: 2, coverage: 66.7 });
  const forCurrency = await propose('b');
  expect(forCurrency.map(({ kind, coverage }) => [kind, coverage])).toEqual([
    ['case', 100],
    ['map', 100],
  ]);
  expect(forCurrency[1]?.remediation).toMatchObject({ rules: [{ do: 'map', field: '/currency', values: { Eur: 'EUR', usd: 'USD' } }] });
  expect((await propose('b', { ...operator, payloadRead: false })).map(({ kind }) => kind)).toEqual(['case']);
  expect(await propose('c')).toMatchObject([{ kind: 'rename', coverage: 100, rules: [{ field: '/Amount', to: 'amount' }] }]);
  expect(await propose('d')).toEqual([]);
});
