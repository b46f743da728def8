import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FileStore } from './file-store.ts';

// The contract that all object stores share is tested in storage.s3.test.ts.

const folder = await mkdtemp(join(tmpdir(), 'dq-file-store-'));
afterAll(() => rm(folder, { recursive: true }));

const refused = expect.objectContaining({ code: 'DQ_STORAGE_REFUSED' });

test('no key leads out of the folder', async () => {
  const store = new FileStore(join(folder, 'inner'));
  await store.ensure();
  for (const key of ['../outer', 'a/../../outer', '/etc/passwd', 'a//b', './a', '']) {
    await expect(store.put(key, Buffer.from('abc')), key).rejects.toEqual(refused);
    await expect(store.read(key, 0, 1), key).rejects.toEqual(refused);
  }
  expect(await readdir(folder)).toEqual(['inner']);
});

test('the folder may be written with a slash at its end', async () => {
  const store = new FileStore(`${join(folder, 'slash')}/`);
  await store.ensure();
  await store.put('a/b/c', Buffer.from('abc'));
  expect(await store.read('a/b/c', 0, 3)).toEqual(Buffer.from('abc'));
});

test('a file in the place of the folder is refused', async () => {
  const path = join(folder, 'file');
  await writeFile(path, '');
  const store = new FileStore(path);
  await expect(store.ensure()).rejects.toEqual(refused);
  await expect(store.check()).rejects.toEqual(refused);
  await expect(store.put('a/b', Buffer.from('abc'))).rejects.toEqual(refused);
});
