import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of this package: the nearest one above this file whose package.json is ours. It holds whether the program runs from
 * the sources, from `dist/` or from another project's node_modules, so nothing depends on the working directory.
 */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'dataquarantine') return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json of dataquarantine lies above ${start}`);
  }
}
