import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, open, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Spool } from '../drivers/spool/spool.ts';
import { spoolFolder } from '../drivers/spool/spool-folder.ts';
import { createDeferred } from '../lib/deferred.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import { Health } from '../observe/health.ts';
import { silentLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { LateSpool } from './late-spool.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dq-late-spool-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function lateSpool(): LateSpool {
  return new LateSpool({
    settings: { spool: { dir, bytesMax: 2 ** 20, commit: 'auto' }, kafka: { groupId: 'group' } } as never,
    topics: { cluster: { clusterId: 'cluster' } } as never,
    log: silentLog(),
    metrics: createMetrics(),
    health: new Health([]),
    signal: new AbortController().signal,
    onFatal: (error) => {
      throw error;
    },
  });
}

/** Keeps every thread that works on files busy, as a disk that does not answer does. What is returned ends that. */
async function hangFiles(): Promise<() => Promise<void>> {
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const waiting = Array.from({ length: Number(process.env['UV_THREADPOOL_SIZE']) }, () => promisify(open)(pipe, 'r'));
  return async () => {
    const writer = openSync(pipe, 'r+');
    for (const reader of await Promise.all(waiting)) closeSync(reader);
    closeSync(writer);
  };
}

test('a disk that hangs when the service starts holds nothing up, and the spool is used as soon as it answers', async () => {
  const spool = lateSpool();
  const opened = createDeferred<Spool>();
  const answer = await hangFiles();
  await spool.open(opened.resolve);
  await expect(spool.append([Buffer.from('a')])).rejects.toThrow('did not answer within 5000 ms');
  await answer();
  await opened.promise;
  await spool.append([Buffer.from('a')]);
  await spool.close();
});

test('where the folder opens and cannot be looked through, it is opened again in the same part', async () => {
  const unread = new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', 'the folder cannot be read.');
  const refused = vi.spyOn(Spool.prototype, 'refused').mockRejectedValueOnce(unread);
  const spool = lateSpool();
  const opened = createDeferred<Spool>();
  await spool.open(opened.resolve);
  await expect(spool.append([Buffer.from('a')])).rejects.toThrow('the folder cannot be read');
  await opened.promise;
  await spool.append([Buffer.from('a')]);
  expect(refused).toHaveBeenCalledTimes(2);
  const names = readdirSync(spoolFolder(dir, { clusterId: 'cluster', group: 'group' }));
  expect(names.filter((name) => /^instance-\d+$/.test(name))).toEqual(['instance-0']);
  await spool.close();
  refused.mockRestore();
});
