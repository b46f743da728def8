import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { packageRoot } from '../../lib/package-root.ts';
import type { Mode } from './simulate.ts';

/*
 * A simulation that finds nothing proves nothing. Here each guard of the pipeline is taken out, one at a time, and the simulation
 * must notice. docs/testing.md prints the table.
 */

interface Mutant {
  readonly name: string;
  readonly file: string;
  /** The lines that stand in the file, once, and what takes their place. */
  readonly cut: string;
  readonly put: string;
  readonly mode: Mode;
  /** What the simulation must say. */
  readonly found: RegExp;
}

const mutants: readonly Mutant[] = [
  {
    name: 'commit before durability',
    file: 'src/pipeline/pipeline.ts',
    cut: 'const { passed, kept } = sink.deliver(delivery);',
    put: 'this.#guard(() => committer.settle(batch)); const { passed, kept } = sink.deliver(delivery);',
    mode: 'safety',
    found: /was stored while \d+ is not durable|cannot place \d+ messages/,
  },
  {
    name: 'the epoch is not checked when a claim settles',
    file: 'src/pipeline/commit/committer.ts',
    cut: 'if (offsetNext === null || this.#held.get(key) !== held) return;',
    put: 'if (offsetNext === null) return;',
    mode: 'safety',
    found: /of the stale epoch/,
  },
  {
    name: 'a partition given back keeps its watermark',
    file: 'src/pipeline/commit/committer.ts',
    cut: 'this.#moved.delete(keyOf(topic, partition));',
    put: '',
    mode: 'safety',
    found: /of the stale epoch/,
  },
  {
    name: 'a partition given back is still held',
    file: 'src/pipeline/consume/consumer.ts',
    cut: 'for (const { topic, partition } of partitions) holder.release(topic, partition);',
    put: '',
    mode: 'safety',
    found: /of the stale epoch/,
  },
  {
    name: 'the watermark passes an unsettled claim',
    file: 'src/pipeline/commit/offset-tracker.ts',
    cut: 'entry?.settled; entry',
    put: 'entry; entry',
    mode: 'safety',
    found: /was stored while \d+ is not durable/,
  },
  {
    name: 'batches go to the sink in the order they were judged',
    file: 'src/pipeline/pipeline.ts',
    cut: 'this.#inOrder = this.#inOrder',
    put: 'this.#inOrder = Promise.resolve()',
    mode: 'safety',
    found: /before an earlier message of its partition/,
  },
  {
    name: 'a slab is used again before its good messages are durable',
    file: 'src/pipeline/sink/sink.ts',
    cut: 'const { refused, late } = await forwarded;',
    put: 'const { refused, late } = { refused: [], late: quarantine.keep(batch, []) };',
    mode: 'safety',
    found: /has other bytes/,
  },
  {
    name: 'what the valid topic refuses is forgotten',
    file: 'src/pipeline/sink/sink.ts',
    cut: 'late: quarantine.keep(batch, refused)',
    put: 'late: quarantine.keep(batch, [])',
    mode: 'safety',
    found: /was stored while \d+ is not durable/,
  },
  {
    name: 'a batch is settled before its bad messages are kept',
    file: 'src/pipeline/sink/sink.ts',
    cut: 'kept: Promise.all([bad.kept, ',
    put: 'kept: Promise.all([',
    mode: 'safety',
    found: /was stored while \d+ is not durable/,
  },
  {
    name: 'the slab of a load is used again before the load is kept',
    file: 'src/pipeline/sink/quarantine.ts',
    cut: 'await this.#sendInTurn(records, this.#keepOrSpool(records));',
    put: 'await this.#sendInTurn(records, this.#keepOrSpool(records).finally(() => { load.slab.bytes.fill(0x20); }));',
    mode: 'safety',
    found: /is not valid JSON/,
  },
  {
    name: 'the rows do not wait for their segment',
    file: 'src/pipeline/sink/stores.ts',
    cut: "await Promise.all(segments.map(({ key, bytes }) => this.#call('storage', how, () => storage.put(key, bytes))));",
    put: "for (const { key, bytes } of segments) void this.#call('storage', how, () => storage.put(key, bytes)).catch(() => {});",
    mode: 'safety',
    found: /names an object that is not there/,
  },
  {
    name: 'the letter of a repeat names its own segment',
    file: 'src/pipeline/sink/stores.ts',
    cut: 'before.get(record.id) ??',
    put: "before.get('') ??",
    mode: 'safety',
    found: /names another place than its row/,
  },
  {
    name: 'what is behind a withheld message goes on',
    file: 'src/pipeline/admit.ts',
    cut: ' || committer.isBehindWithheld(batch, claim)',
    put: '',
    mode: 'safety',
    found: /before an earlier message of its partition|was stored while/,
  },
  {
    name: 'a partition is read again before all that went on is settled',
    file: 'src/pipeline/consume/consumer.ts',
    cut: 'if (holder.isOpen(partitions)) continue;',
    put: '',
    mode: 'safety',
    found: /was stored while \d+ is not durable/,
  },
  {
    name: 'withheld messages are not read again',
    file: 'src/pipeline/consume/consumer.ts',
    cut: 'const epoch = await source.rewind({ topic, partition }, offset);',
    put: 'const epoch = source.epochOf(topic, partition) as number;',
    mode: 'safety',
    found: /before an earlier message of its partition|was stored while \d+ is not durable/,
  },
  {
    name: 'a file of the spool is not synced',
    file: 'src/drivers/spool/spool.ts',
    cut: 'await file.handle.datasync();',
    put: '',
    mode: 'liveness',
    found: /the spool has not given back everything/,
  },
  {
    name: 'the folder of the spool is not synced',
    file: 'src/drivers/spool/spool.ts',
    cut: 'await syncFolder(this.#disk, this.#part.dir);',
    put: '',
    mode: 'liveness',
    found: /the spool has not given back everything/,
  },
  {
    name: 'the checksum of a spooled record is not compared',
    file: 'src/drivers/spool/spool-frames.ts',
    cut: 'return crc32(bytes.subarray(at + frameHeadBytes, end), salt) === bytes.readUInt32LE(at + 8) ? end : 0;',
    put: 'return end;',
    mode: 'liveness',
    found: /other bytes|put aside|nobody can explain/,
  },
  {
    name: 'nothing waits for the spool',
    file: 'src/pipeline/sink/quarantine.ts',
    cut: 'retryForever(() => spool.append(encoded), {',
    put: 'retryForever(async () => void spool.append(encoded).catch(() => {}), {',
    mode: 'safety',
    found: /was stored while \d+ is not durable/,
  },
  {
    name: 'a spool file goes before its records are kept',
    file: 'src/pipeline/sink/spool-drain.ts',
    cut: 'await keep(file.records.slice(from, to).map(decodeSpooled));',
    put: 'void keep(file.records.slice(from, to).map(decodeSpooled)).catch(() => {});',
    mode: 'liveness',
    found: /the spool has not given back everything/,
  },
  {
    name: 'a slab is not given back',
    file: 'src/pipeline/pipeline.ts',
    cut: 'this.#options.ring.give(receipt.batch.slab);',
    put: '',
    mode: 'liveness',
    found: /not everything is committed/,
  },
  {
    name: 'a settled message is not counted',
    file: 'src/pipeline/tally.ts',
    cut: 'const keyHere = keyOf(row);',
    put: 'if (row === 3) continue;\n      const keyHere = keyOf(row);',
    mode: 'liveness',
    found: /cannot place \d+ messages/,
  },
  {
    name: 'nobody keeps the membership alive while there is no room',
    file: 'src/pipeline/consume/consumer.ts',
    cut: 'if (waitedLong) await this.keepAlive();',
    put: '',
    mode: 'liveness',
    found: /did not poll for/,
  },
  {
    name: 'paused partitions are not resumed',
    file: 'src/pipeline/consume/consumer.ts',
    cut: 'source.resume();',
    put: '',
    mode: 'liveness',
    found: /not everything is committed/,
  },
];

const schedulesMax = 4_000;
const folder = join(packageRoot, '.cache', 'mutants', String(process.pid));

afterEach(() => {
  for (const { file } of mutants) vi.doUnmock(join(packageRoot, file));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the file with the cut made, that imports what the file imports. */
function writeMutant({ name, file, cut, put }: Mutant): string {
  const text = readFileSync(join(packageRoot, file), 'utf8');
  expect(text.split(cut)).toHaveLength(2);
  const from = dirname(join(packageRoot, file));
  const mutated = text.replace(cut, put).replaceAll(/from '(\.[^']+)'/g, (_, path: string) => `from '${resolve(from, path)}'`);
  mkdirSync(folder, { recursive: true });
  const target = join(folder, `${name.replaceAll(' ', '-')}.ts`);
  writeFileSync(target, mutated);
  return target;
}

test.each(mutants)('the simulation notices when $name', { timeout: 600_000 }, async (mutant) => {
  const file = writeMutant(mutant);
  vi.resetModules();
  vi.doMock(join(packageRoot, mutant.file), () => import(file));
  const { simulate } = await import('./simulate.ts');
  let [seed, found] = [0, ''];
  while (found === '' && seed < schedulesMax) {
    seed += 1;
    await simulate(seed, mutant.mode).catch((error: unknown) => {
      found = String(error);
    });
  }
  process.stdout.write(`${mutant.name}: seed ${seed}: ${found.split('\n')[0]}\n`);
  expect(found).toMatch(mutant.found);
});
