import type { Settings } from '../../config/settings.ts';
import { openStorage } from '../../drivers/storage/open-storage.ts';
import { type Check, examine, failed, ok } from './check.ts';

/** Always the same object with the same bytes, so that looking often leaves one object behind, not many. */
const probe = {
  key: '.doctor/probe',
  bytes: Buffer.from('Written by dq doctor to see that a range of it can be read.\n'),
  offset: 11,
  length: 9,
};

/** The object store: is it there, and do a write and a ranged read work? */
export async function checkStorage({ storage: settings }: Settings): Promise<Check[]> {
  return examine('storage', async () => {
    const storage = openStorage(settings);
    try {
      await storage.check();
      await storage.put(probe.key, probe.bytes);
      const range = await storage.read(probe.key, probe.offset, probe.length);
      if (range.equals(probe.bytes.subarray(probe.offset, probe.offset + probe.length)))
        return [ok('storage', `${settings.url}: writes and ranged reads work`)];
      return [failed('storage', `${settings.url} gave other bytes than were asked for`, 'The server must honour Range requests.')];
    } finally {
      await storage.close();
    }
  });
}
