import { close, open, write } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { within } from '../../lib/within.ts';
import type { Batch } from '../../model/batch.ts';
import { type OffsetRange, rangesOf } from './offset-range.ts';

/** What a process had in hand when it died. */
export interface Death extends OffsetRange {
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

/** At its third attempt a batch is judged message by message; a message that was alone in hand in three deaths is guilty. */
const deathsMax = 2;
const deathsAloneMax = 3;
const deathsKept = 200;
/** A topic can be made anew under the same name, so nobody is guilty for ever. */
const rememberedMs = 24 * 3_600_000;
const slotBytes = 4_096;
const slotsMax = 64;
const deathsAt = (slotsMax + 1) * slotBytes;
/** A write that takes longer hangs; until it ends, nothing more is written. */
const writeMsMax = 250;

/** A descriptor and no FileHandle: one that a hanging disk keeps is left to the end of the process, without a word. */
const [openFile, writeFile, closeFile] = [promisify(open), promisify(write), promisify(close)];

/**
 * What this process is judging, in a file that outlives it, so that a message that kills the process (a crash in native code, memory
 * used up) is found by the next one. A batch takes a slot of the file while it is judged; the write goes to the page cache, since
 * only the process need be outlived, not the machine. Whose file it is, and which were left behind, the caller knows.
 *
 * It knows the deaths of the last day, by the ranges that were in hand. A message in two of them is a suspect. Deaths for
 * other reasons make suspects as well: they are judged alone, pass, and are forgotten. A message is alone in hand for about a millisecond and after
 * others were judged, so that somebody's kill -9, or memory that something else used up, does not meet the same one three times.
 */
export class InHand {
  readonly #file: number;
  readonly #path: string;
  readonly #free: number[] = Array.from({ length: slotsMax }, (_, slot) => slotsMax - slot);
  #deaths: readonly Death[];
  #isOpen = true;
  #isStuck = false;
  /** What is known of deaths is written one after another, so that the latest stays. */
  #written: Promise<void> = Promise.resolve();
  /** All writes that are under way. */
  readonly #writing = new Set<Promise<void>>();

  private constructor(file: number, path: string, deaths: readonly Death[]) {
    this.#file = file;
    this.#path = path;
    this.#deaths = deaths;
  }

  /** Begins a file with what is known of the deaths before. */
  static async open(path: string, deaths: readonly Death[], now: number): Promise<InHand> {
    const known = deaths.filter(({ at }) => at > now - rememberedMs).slice(-deathsKept);
    const inHand = new InHand(await openFile(path, 'w', 0o600), path, known);
    // The earlier files are gone by now: what they said must not get lost.
    await writeFile(inHand.#file, inHand.#deathsText, deathsAt);
    return inHand;
  }

  /** The rows that must not be judged in company, in their order. */
  suspectsOf(batch: Batch): Suspect[] {
    if (this.#deaths.length < deathsMax) return [];
    const ranges = rangesOf(batch);
    const near = this.#deaths.filter((death) => ranges.some((range) => isNear(death, range)));
    if (near.length < deathsMax) return [];
    const { slab, topics } = batch;
    const suspects: Suspect[] = [];
    for (let row = 0; row < slab.count; row++) {
      const [topic, partition, offset] = [topics[slab.topic(row)], slab.partition(row), slab.offset(row)];
      let [deaths, alone] = [0, 0];
      for (const death of near) {
        if (death.partition !== partition || death.from > offset || death.to <= offset || death.topic !== topic) continue;
        deaths += 1;
        if (death.isAlone) alone += 1;
      }
      if (deaths >= deathsMax) suspects.push({ row, isGuilty: alone >= deathsAloneMax });
    }
    return suspects;
  }

  /** From now on the ranges are in hand; what is returned says that they no longer are, and resolves when that is written. */
  async hold(ranges: readonly OffsetRange[], isAlone: boolean): Promise<() => Promise<void>> {
    const slot = this.#isStuck ? undefined : this.#free.pop();
    // On a disk that hangs nothing is remembered, which is no reason to stop.
    if (slot === undefined) return async () => {};
    const text = `${JSON.stringify([isAlone, ranges])}\n`;
    // A batch of more partitions than a slot holds is not watched: it is split by another death sooner or later.
    const written = Buffer.byteLength(text) <= slotBytes ? this.#write(text, slot * slotBytes) : Promise.resolve();
    if (!(await within(writeMsMax, written))) {
      this.#isStuck = true;
      void written.then(() => {
        this.#isStuck = false;
      });
    }
    return async () => {
      await written;
      await this.#write('\n', slot * slotBytes);
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

  /** Whatever is still in hand, it is not what ends the process. Never fails, and waits for no disk that hangs. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await within(
      writeMsMax,
      Promise.all(this.#writing).then(() => this.#leave()),
    );
  }

  async #leave(): Promise<void> {
    const left = this.#deaths.length === 0 ? rm(this.#path, { force: true }) : writeFile(this.#file, noSlots, 0, noSlots.length, 0);
    await Promise.allSettled([left]);
    await closeFile(this.#file);
  }

  /** The deaths lie behind the slots, as far as the file goes. */
  #writeDeaths(): void {
    this.#written = this.#written.then(() => this.#write(this.#deathsText, deathsAt));
  }

  get #deathsText(): string {
    return `${JSON.stringify(this.#deaths)}\n`;
  }

  /** Never fails: on a full disk the next batch tries again; a batch may come back after the file was closed. */
  #write(text: string, at: number): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    const written = new Promise<void>((resolve) => {
      write(this.#file, text, at, () => resolve());
    });
    this.#writing.add(written);
    return written.finally(() => this.#writing.delete(written));
  }
}

const noSlots = Buffer.alloc(deathsAt);

function isNear(death: Death, { topic, partition, from, to }: OffsetRange): boolean {
  return death.partition === partition && death.from < to && from < death.to && death.topic === topic;
}

/** The deaths that a file left behind knows and those it shows; the file goes. Empty where there is none. */
export async function deathsIn(path: string, now: number): Promise<Death[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  await rm(path);
  const deaths = (lineAt(bytes, deathsAt) ?? []) as Death[];
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
