import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { assert } from '../../lib/assert.ts';
import type { Batch } from '../../model/batch.ts';

/** Messages of one source partition, `to` not included. */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** What a process had in hand when it died. */
interface Death extends OffsetRange {
  /** Was it the only message that was judged anywhere in the process? */
  readonly isAlone: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A row whose message was there when a process died, too often for chance. */
export interface Suspect {
  readonly row: number;
  /** It was alone in hand when processes died: it is not judged any more. */
  readonly isGuilty: boolean;
}

/** At its third attempt a batch is judged message by message; a message that was alone in hand twice is guilty. */
const deathsMax = 2;
const deathsKept = 200;
/** A topic can be made anew under the same name, so nobody is guilty for ever. */
const rememberedMs = 24 * 3_600_000;
const slotBytes = 4_096;
const slotsMax = 64;

/**
 * What this process is judging, in a file that outlives it, so that a message that kills the process (a crash in native code, memory
 * used up) is found by the next one. A batch takes a slot of the file while it is judged; the write goes to the page cache, since
 * only the process need be outlived, not the machine. What a dead process left is taken over at the next start on the same host.
 *
 * It knows the deaths of the last day, by the ranges that were in hand. A message in two of them is a suspect. Deaths for
 * other reasons make suspects as well: they are judged alone, pass, and are forgotten.
 */
export class InHand {
  readonly #file: number;
  readonly #path: string;
  readonly #free: number[] = Array.from({ length: slotsMax }, (_, slot) => slotsMax - slot);
  #deaths: Death[];
  #isOpen = true;

  private constructor(path: string, deaths: Death[]) {
    this.#path = path;
    this.#deaths = deaths;
    this.#file = openSync(path, 'w', 0o600);
    this.#writeDeaths();
  }

  /** Makes the folder where it is missing, and takes over what processes of this host that died left there. */
  static open(dir: string, now: number): InHand {
    mkdirSync(dir, { recursive: true });
    const mine = fileName(process.pid);
    const deaths = readdirSync(dir)
      .filter((name) => name === mine || isLeftBehind(name))
      .flatMap((name) => takeOver(join(dir, name), now));
    const recent = deaths.filter(({ at }) => at > now - rememberedMs).slice(-deathsKept);
    return new InHand(join(dir, mine), recent);
  }

  /** The rows that must not be judged in company, in their order. */
  suspectsOf({ slab, topics, claims }: Batch): Suspect[] {
    const near = this.#deaths.filter((death) =>
      claims.some(({ topic, partition, offsetNext }) => death.topic === topic && death.partition === partition && death.from < offsetNext),
    );
    if (near.length < deathsMax) return [];
    const suspects: Suspect[] = [];
    for (let row = 0; row < slab.count; row++) {
      const [topic, partition, offset] = [topics[slab.topic(row)], slab.partition(row), slab.offset(row)];
      let [deaths, alone] = [0, 0];
      for (const death of near) {
        if (death.partition !== partition || death.from > offset || death.to <= offset || death.topic !== topic) continue;
        deaths += 1;
        if (death.isAlone) alone += 1;
      }
      if (deaths >= deathsMax) suspects.push({ row, isGuilty: alone >= deathsMax });
    }
    return suspects;
  }

  /** From now on the ranges are in hand; what is returned says that they no longer are. */
  hold(ranges: readonly OffsetRange[], isAlone: boolean): () => void {
    const slot = this.#free.pop();
    assert(slot !== undefined, 'more batches are judged at once than the ring has slabs');
    const text = `${JSON.stringify([isAlone, ranges])}\n`;
    // A batch of more partitions than a slot holds is not watched: it is split by another death sooner or later.
    if (Buffer.byteLength(text) <= slotBytes) this.#write(text, slot * slotBytes);
    return () => {
      this.#write('\n', slot * slotBytes);
      this.#free.push(slot);
    };
  }

  /** The messages were judged and nobody died. */
  clear(ranges: readonly OffsetRange[]): void {
    const before = this.#deaths.length;
    if (before === 0) return;
    const isCleared = (death: Death) =>
      ranges.some(
        ({ topic, partition, from, to }) => death.topic === topic && death.partition === partition && from <= death.from && death.to <= to,
      );
    this.#deaths = this.#deaths.filter((death) => death.isAlone || !isCleared(death));
    if (this.#deaths.length !== before) this.#writeDeaths();
  }

  close(): void {
    this.#isOpen = false;
    closeSync(this.#file);
    if (this.#deaths.length === 0) rmSync(this.#path, { force: true });
  }

  /** The deaths lie behind the slots, as far as the file goes. */
  #writeDeaths(): void {
    this.#write(`${JSON.stringify(this.#deaths)}\n`, (slotsMax + 1) * slotBytes);
  }

  /** On a full disk nothing is remembered, which is no reason to stop; a batch may come back after the file was closed. */
  #write(text: string, at: number): void {
    if (!this.#isOpen) return;
    try {
      writeSync(this.#file, text, at);
    } catch {
      // The next batch tries again.
    }
  }
}

function fileName(pid: number): string {
  return `in-hand.${hostname()}.${pid}`;
}

/** Is the file one of this host, of a process that is no more? */
function isLeftBehind(name: string): boolean {
  const pid = Number(/^in-hand\.(?<host>.+)\.(?<pid>\d+)$/.exec(name)?.groups?.['pid']);
  if (!Number.isInteger(pid) || name !== fileName(pid)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** The deaths that a file knows and those it shows. Of several processes that start at once one gets it. */
function takeOver(path: string, now: number): Death[] {
  const taken = `${path}.taken-${process.pid}`;
  try {
    renameSync(path, taken);
  } catch {
    return [];
  }
  const bytes = readFileSync(taken);
  rmSync(taken);
  const deaths = (lineAt(bytes, (slotsMax + 1) * slotBytes) ?? []) as Death[];
  for (let slot = 1; slot <= slotsMax; slot++) {
    const [isAlone, ranges] = (lineAt(bytes, slot * slotBytes) ?? [false, []]) as [boolean, OffsetRange[]];
    for (const range of ranges) deaths.push({ ...range, isAlone, at: now });
  }
  return deaths;
}

/** What stands at a place; null where nothing does, or half of it. */
function lineAt(bytes: Buffer, at: number): unknown {
  const end = bytes.indexOf('\n', at);
  if (end < 0) return null;
  const text = bytes.toString('utf8', at, end);
  if (text === '' || text.startsWith('\0')) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
