import { expect, test } from 'vitest';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { freshBucket } from './bucket.ts';
import { FaultProxy } from './fault-proxy.ts';

test('an object whose write was answered with 503 is there, and the next attempt knows it again', async () => {
  const bucket = await freshBucket();
  const { hostname, port } = new URL(bucket.endpoint);
  const proxy = await FaultProxy.open({ host: hostname, port: Number(port) });
  const storage = openStorage({ ...bucket, endpoint: proxy.urlOf(bucket.endpoint) });
  try {
    const bytes = Buffer.alloc(300_000, 'payload ');
    proxy.set({ kind: 'answer503' });
    await expect(storage.put('a/1.seg', bytes)).rejects.toMatchObject({ code: 'DQ_STORAGE_UNREACHABLE' });
    proxy.set({ kind: 'none' });
    expect((await storage.read('a/1.seg', 8, 7)).toString()).toBe('payload');
    await storage.put('a/1.seg', bytes);
    await expect(storage.put('a/1.seg', Buffer.from('other'))).rejects.toMatchObject({ code: 'DQ_STORAGE_REFUSED' });
  } finally {
    await storage.close();
    await proxy.close();
  }
});
