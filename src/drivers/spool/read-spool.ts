import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';
import { filesOf, isMissing, partsOf } from './spool-folder.ts';
import { decodeFrames } from './spool-frames.ts';

/**
 * What lies in a spool's folder, whoever holds its parts, file by file, without touching it: for who only wants to know. Files that
 * come or move to another part meanwhile are read too, those that are drained meanwhile may be left out. Throws
 * `DQ_SPOOL_UNAVAILABLE` for what is there and cannot be read.
 */
export async function* readSpool(dir: string): AsyncGenerator<readonly Buffer[]> {
  const seen = new Set<string>();
  for (let more = true; more; ) {
    more = false;
    for (const part of (await ifThere(dir, partsOf(dir))) ?? []) {
      for (const { name, salt } of (await ifThere(part, filesOf(part))) ?? []) {
        const path = join(part, name);
        if (seen.has(path)) continue;
        seen.add(path);
        // What is gone may lie in a part that was looked through before: so the search begins anew in any case.
        more = true;
        const bytes = await ifThere(path, readFile(path));
        if (bytes !== null) yield decodeFrames(bytes, salt).records;
      }
    }
  }
}

async function ifThere<T>(path: string, reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (isMissing(error)) return null;
    const advice = 'Run as a user who may read it, or on the machine that holds it.';
    throw new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', `cannot read ${path} of the spool: ${messageOf(error)}. ${advice}`, {
      cause: error,
    });
  }
}
