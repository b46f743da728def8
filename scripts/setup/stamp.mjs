import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './places.mjs';

/** One hash over the names and the contents of files and folders of the clone. */
export function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap(filesOf).sort()) {
    hash.update(`${file}\0`);
    hash.update(
      createHash('sha256')
        .update(readFileSync(path.join(root, file)))
        .digest(),
    );
  }
  return hash.digest('hex');
}

/** The files under `name`, or `name` itself; none if it is not there. */
export function filesOf(name) {
  const stat = statSync(path.join(root, name), { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [name];
  return readdirSync(path.join(root, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

/** A file that says from what a folder was made; it lies in that folder, so that it goes when the folder goes. */
export class Stamp {
  constructor(file) {
    this.file = path.join(root, file);
  }

  says(text) {
    try {
      return readFileSync(this.file, 'utf8') === text;
    } catch {
      return false;
    }
  }

  write(text) {
    mkdirSync(path.dirname(this.file), { recursive: true });
    writeFileSync(this.file, text);
  }
}
