import { type FSWatcher, watch } from 'node:fs';

/** Changes often come in swarms: an editor's save, a checkout. */
const quietMs = 100;

/**
 * Watches a set of folders, each for itself, and calls back once after a swarm of changes has ended. A folder that cannot be
 * watched is left to the regular reload.
 */
export class FolderWatch {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | null = null;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these folders from now on, and no others. All are watched anew: one may have been replaced by another of its name. */
  follow(folders: readonly string[]): void {
    for (const folder of this.#watchers.keys()) this.#drop(folder);
    for (const folder of folders) this.#add(folder);
  }

  close(): void {
    this.follow([]);
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #add(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#changed());
      watcher.on('error', () => this.#drop(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      this.#drop(folder);
    }
  }

  #drop(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #changed(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, quietMs).unref();
  }
}
