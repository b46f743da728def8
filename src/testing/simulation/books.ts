import { parseStoragePath } from '../../store/segment.ts';
import type { Random } from '../random.ts';

/** What must become of a message: the judges like it or not, and the valid topic may refuse it even so. */
export type Fate = 'valid' | 'invalid' | 'tombstone' | 'refused';

/** A message of the simulated source topic. Its value names it, so that a mixed-up byte shows. */
export interface SourceMessage {
  readonly partition: number;
  /** Its place among the messages of its partition; offsets have gaps, these have none. */
  readonly index: number;
  readonly offset: number;
  readonly fate: Fate;
  readonly value: Buffer | null;
  readonly key: Buffer;
}

/** A broken promise. It ends the schedule, and the seed finds it again. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export const topics = { source: 'raw-events', valid: 'validated-events', dlq: 'quarantine-dlq' } as const;

interface Place {
  inValid: boolean;
  /** The storage path of its row, null while it has none. */
  row: string | null;
  lettered: boolean;
  /** The spool said that it has it. */
  spooled: boolean;
}

interface PartitionBooks {
  readonly messages: readonly SourceMessage[];
  readonly places: readonly Place[];
  readonly byOffset: ReadonlyMap<number, number>;
  /** Index of the first message that is not durable yet: nothing from there on may be committed. */
  unfinished: number;
  /** Index of the next message that belongs into the valid topic and is not there. */
  validNext: number;
  committed: number;
}

/**
 * What is true, whatever the instances believe: which messages there are, what of them is durable, what is committed. Every write
 * of every instance passes through here, and what breaks a promise throws a {@link Violation}.
 */
export class Books {
  readonly partitions: readonly PartitionBooks[];
  readonly objects = new Map<string, Buffer>();
  readonly #trace: string[] = [];
  #violation: Violation | null = null;
  duplicates = 0;
  spooled = 0;

  constructor(random: Random) {
    this.partitions = Array.from({ length: 1 + random.below(4) }, (_, partition) => partitionOf(random, partition));
  }

  /** The first broken promise, null while none is. */
  get violation(): Violation | null {
    return this.#violation;
  }

  get isAllCommitted(): boolean {
    return this.partitions.every(({ messages, committed }) => committed > (messages.at(-1)?.offset ?? -1));
  }

  /** Is every message where it belongs, and none in the spool alone? */
  get isAllKept(): boolean {
    return this.partitions.every((books) => books.messages.every(({ index, fate }) => isKept(fate, books.places[index] as Place)));
  }

  note(line: string): void {
    this.#trace.push(line);
    if (this.#trace.length > 60) this.#trace.shift();
  }

  /** Keeps the first broken promise; the schedule ends with it. */
  blame(what: string): Violation {
    this.#violation ??= new Violation(`${what}\nwhat happened last:\n  ${this.#trace.join('\n  ')}`);
    return this.#violation;
  }

  refuse(what: string): never {
    throw this.blame(what);
  }

  /** A copy lands in the valid topic. */
  addCopy(partition: number, offset: number, bytes: { value: Buffer | null; key: Buffer | null; target: number }): void {
    const { books, message, place } = this.#find(partition, offset);
    const name = `${partition}/${offset}`;
    if (message.fate === 'invalid' || message.fate === 'refused')
      this.refuse(`a ${message.fate} message got into the valid topic: ${name}`);
    const isSame = (message.value === null ? bytes.value === null : bytes.value?.equals(message.value)) && bytes.key?.equals(message.key);
    if (!isSame) this.refuse(`the copy of ${name} has other bytes: ${bytes.value}`);
    if (bytes.target !== partition % 2) this.refuse(`the copy of ${name} is in partition ${bytes.target}`);
    if (place.inValid) {
      this.duplicates += 1;
      return;
    }
    if (message.index !== books.validNext) this.refuse(`${name} came into the valid topic before an earlier message of its partition`);
    place.inValid = true;
    books.validNext = nextValid(books, message.index + 1);
    this.#advance(books);
  }

  addObject(key: string, bytes: Buffer): void {
    const before = this.objects.get(key);
    if (before && !before.equals(bytes)) this.refuse(`the object ${key} was written twice with other bytes`);
    this.objects.set(key, Buffer.from(bytes));
  }

  /** A row is committed; returns the storage path of an earlier one. */
  addRow(partition: number, offset: number, storagePath: string): string | null {
    const { books, message, place } = this.#find(partition, offset);
    if (place.row !== null) return place.row;
    const { key, place: at } = parseStoragePath(storagePath);
    const stored = this.objects.get(key)?.subarray(at.offset, at.offset + at.length);
    if (!stored) this.refuse(`the row of ${partition}/${offset} names an object that is not there`);
    if (!stored.equals(message.value ?? Buffer.alloc(0)))
      this.refuse(`the stored payload of ${partition}/${offset} has other bytes: ${stored}`);
    if (message.fate === 'valid') this.refuse(`a valid message got a row: ${partition}/${offset}`);
    place.row = storagePath;
    this.#advance(books);
    return null;
  }

  /** The spool has it: from now on it may be committed, and must come out again. */
  addSpooled(partition: number, offset: number): void {
    const { books, place } = this.#find(partition, offset);
    place.spooled = true;
    this.spooled += 1;
    this.#advance(books);
  }

  addLetter(value: Buffer): void {
    const letter = JSON.parse(value.toString()) as { source_partition: number; source_offset: number; storage_path: string };
    const { source_partition: partition, source_offset: offset } = letter;
    const { books, place } = this.#find(partition, offset);
    if (place.row === null) this.refuse(`the dead letter of ${partition}/${offset} went out before its row`);
    if (place.row !== letter.storage_path) this.refuse(`the dead letter of ${partition}/${offset} names another place than its row`);
    if (place.lettered) this.duplicates += 1;
    place.lettered = true;
    this.#advance(books);
  }

  /** Nothing from the lowest unfinished message on may be stored or committed. */
  checkStored(partition: number, offsetNext: number): void {
    const { messages, unfinished } = this.#partition(partition);
    const lowest = messages[unfinished];
    if (lowest && lowest.offset < offsetNext) this.refuse(`${partition}/${offsetNext} was stored while ${lowest.offset} is not durable`);
  }

  commit(partition: number, offsetNext: number): void {
    this.checkStored(partition, offsetNext);
    const books = this.#partition(partition);
    if (offsetNext < books.committed) this.refuse(`partition ${partition} was committed back from ${books.committed} to ${offsetNext}`);
    books.committed = offsetNext;
    this.note(`committed ${partition}/${offsetNext}`);
  }

  #partition(partition: number): PartitionBooks {
    const books = this.partitions[partition];
    if (!books) this.refuse(`there is no partition ${partition}`);
    return books;
  }

  #find(partition: number, offset: number): { books: PartitionBooks; message: SourceMessage; place: Place } {
    const books = this.#partition(partition);
    const index = books.byOffset.get(offset) ?? -1;
    const [message, place] = [books.messages[index], books.places[index]];
    if (!message || !place) this.refuse(`there is no message ${partition}/${offset}`);
    return { books, message, place };
  }

  #advance(books: PartitionBooks): void {
    for (; books.unfinished < books.messages.length; books.unfinished++) {
      const place = books.places[books.unfinished] as Place;
      const { fate } = books.messages[books.unfinished] as SourceMessage;
      if (!place.spooled && !isKept(fate, place)) return;
    }
  }
}

function isKept(fate: Fate, { inValid, row, lettered }: Place): boolean {
  return fate === 'valid' || fate === 'tombstone' ? inValid : row !== null && lettered;
}

function nextValid({ messages }: Pick<PartitionBooks, 'messages'>, from: number): number {
  for (let index = from; index < messages.length; index++) {
    const fate = messages[index]?.fate;
    if (fate === 'valid' || fate === 'tombstone') return index;
  }
  return messages.length;
}

function partitionOf(random: Random, partition: number): PartitionBooks {
  const badness = random.share() < 0.2 ? 0.8 : 0.25;
  const messages: SourceMessage[] = [];
  let offset = random.below(3);
  for (let index = 0, count = random.below(40); index < count; index++) {
    const luck = random.share();
    const fate: Fate = luck < badness ? 'invalid' : luck < badness + 0.04 ? 'tombstone' : luck < badness + 0.08 ? 'refused' : 'valid';
    // Now and then a message is larger than a slab.
    const padding = 'x'.repeat(random.share() < 0.02 ? 700 : random.below(40));
    const value = fate === 'tombstone' ? null : Buffer.from(`{"at":"${partition}/${offset}","fate":"${fate}","x":"${padding}"}`);
    messages.push({ partition, index, offset, fate, value, key: Buffer.from(`${partition}/${offset}`) });
    // Transaction markers and compaction leave gaps.
    offset += random.share() < 0.1 ? 1 + random.below(4) : 1;
  }
  return {
    messages,
    places: messages.map(() => ({ inValid: false, row: null, lettered: false, spooled: false })),
    byOffset: new Map(messages.map((message) => [message.offset, message.index])),
    unfinished: 0,
    validNext: nextValid({ messages }, 0),
    committed: 0,
  };
}
