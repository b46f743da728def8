import { join } from 'node:path';
import { lockFolder } from '../drivers/spool/folder-lock.ts';
import { machineDisk } from '../drivers/spool/spool-disk.ts';
import { partsOf, takePart } from '../drivers/spool/spool-folder.ts';
import { messageOf } from '../lib/errors.ts';
import { within } from '../lib/within.ts';
import type { Log } from '../observe/log.ts';
import { deathsIn, InHand } from '../pipeline/validate/in-hand.ts';

export interface OpenInHandOptions {
  /** `spool.dir`. */
  readonly dir: string;
  readonly log: Log;
  readonly closers: (() => Promise<void>)[];
}

const fileName = 'in-hand';
/** A disk that takes longer hangs. */
const openMsMax = 5_000;

/**
 * Takes a part of `spool.dir/in-hand` for this process, and over what dead ones left in theirs: by the lock of a folder, for containers
 * that share a volume may have the same host name and the same process numbers. Without a folder to write into, a message that kills the process
 * is not found; everything else works.
 */
export async function openInHand({ dir, log, closers }: OpenInHandOptions): Promise<InHand | null> {
  const folder = join(dir, 'in-hand');
  let inHand: InHand | null = null;
  const opening = takeOver(folder, closers).then((opened) => {
    inHand = opened;
  });
  try {
    if (!(await within(openMsMax, opening))) throw new Error(`${folder} did not answer within ${openMsMax / 1_000} s`);
  } catch (error) {
    log.warn({ dir }, `cannot keep what is in hand in spool.dir: ${messageOf(error)}; a message that kills the process would not be found`);
  }
  return inHand;
}

async function takeOver(folder: string, closers: OpenInHandOptions['closers']): Promise<InHand> {
  const part = await takePart(folder, machineDisk);
  if (!part) throw new Error(`every part of ${folder} is held by another process`);
  closers.push(() => part.lock.release());
  const now = Date.now();
  const deaths = await deathsIn(join(part.dir, fileName), now);
  for (const other of await partsOf(folder)) {
    const lock = other === part.dir ? null : await lockFolder(other);
    if (!lock) continue;
    deaths.push(...(await deathsIn(join(other, fileName), now)));
    await lock.release();
  }
  const inHand = await InHand.open(join(part.dir, fileName), deaths, now);
  closers.push(() => inHand.close());
  return inHand;
}
