import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf, partsOf } from './spool-folder.ts';
import { decodeFrames } from './spool-frames.ts';

/**
 * What lies in a spool's folder, whoever holds its parts, file by file, without touching it: for who only wants to know. Files that
 * come or move to another part meanwhile are read too, those that are drained meanwhile may be left out.
 */
export async function* readSpool(dir: string): AsyncGenerator<readonly Buffer[]> {
  const seen = new Set<string>();
  for (let more = true; more; ) {
    more = false;
    for (const part of await partsOf(dir)) {
      for (const { name, salt } of await filesOf(part).catch(() => [])) {
        const path = join(part, name);
        if (seen.has(path)) continue;
        const bytes = await readFile(path).catch(() => null);
        if (bytes === null) continue;
        seen.add(path);
        more = true;
        yield decodeFrames(bytes, salt).records;
      }
    }
  }
}
