import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDeferred } from '../../lib/deferred.ts';
import { packageRoot } from '../../lib/package-root.ts';
import { drainSpool } from '../../testing/drain-spool.ts';
import { readSpool } from './read-spool.ts';
import { Spool, type SpoolOptions } from './spool.ts';

let dir: string;
let open_: Spool[] = [];
const damages: string[] = [];
const skipped: string[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dq-spool-'));
  damages.length = 0;
  skipped.length = 0;
});

afterEach(async () => {
  vi.restoreAllMocks();
  const closing = open_;
  open_ = [];
  for (const spool of closing) await spool.close();
  rmSync(dir, { recursive: true });
});

async function openSpool(options: Partial<SpoolOptions> = {}): Promise<Spool> {
  const spool = await Spool.open({
    dir,
    bytesMax: 2 ** 20,
    fileBytesMax: 200,
    onBytes: () => {},
    onDamage: ({ kind, from, to, keptAs }) => damages.push(`${kind} ${from}-${to}${keptAs === null ? '' : ' kept'}`),
    onSkipped: ({ file, isGone }) => skipped.push(`${file} ${isGone ? 'gone' : 'unreadable'}`),
    ...options,
  });
  open_.push(spool);
  return spool;
}

async function closeSpool(spool: Spool): Promise<void> {
  open_ = open_.filter((one) => one !== spool);
  await spool.close();
}

const append = (spool: Spool, ...texts: string[]) => spool.append(texts.map((text) => Buffer.from(text)));
const files = () => readdirSync(join(dir, 'instance-0')).filter((name) => name.endsWith('.spool'));
const onlyFile = () => join(dir, 'instance-0', files()[0] as string);

/** What all file handles share, for a test that must see what is asked of the disk. */
async function fileHandles(): Promise<FileHandle> {
  const handle = await open(dir, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

test('records come back in order, file by file, and a file is there until it is removed', async () => {
  const spool = await openSpool();
  const texts = Array.from({ length: 40 }, (_, index) => `record ${index}`);
  for (const text of texts) await append(spool, text);
  const first = await spool.oldest();
  expect(first?.records.map(String)).toEqual(texts.slice(0, first?.records.length));
  expect((await spool.oldest())?.name).toBe(first?.name);
  expect(await drainSpool(spool)).toEqual(texts);
  expect([spool.bytes, spool.isEmpty, files()]).toEqual([0, true, []]);
});

test('what was appended before is read after a restart, before what is appended then', async () => {
  const before = await openSpool();
  await append(before, 'one', 'two');
  await closeSpool(before);
  const after = await openSpool();
  expect(after.bytes).toBe(2 * 16 + 6);
  await append(after, 'three');
  expect(await drainSpool(after)).toEqual(['one', 'two', 'three']);
});

test('an append is not done before the disk has it, file and folder', async () => {
  const handles = await fileHandles();
  const order: string[] = [];
  const written = createDeferred();
  vi.spyOn(handles, 'sync').mockImplementation(async () => void order.push('folder'));
  vi.spyOn(handles, 'datasync').mockImplementation(async () => {
    order.push('file');
    await written.promise;
  });
  const spool = await openSpool();
  order.length = 0;
  const appended = append(spool, 'one').then(() => order.push('done'));
  await vi.waitUntil(() => order.includes('file'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(order).toEqual(['folder', 'file']);
  written.resolve();
  await appended;
  expect(order).toEqual(['folder', 'file', 'done']);
});

test('appends that come meanwhile share one write', async () => {
  const syncs = vi.spyOn(await fileHandles(), 'datasync');
  const spool = await openSpool({ fileBytesMax: 2 ** 16 });
  await Promise.all(Array.from({ length: 100 }, (_, index) => append(spool, `record ${index}`)));
  expect(syncs.mock.calls.length).toBeLessThan(10);
  expect(await drainSpool(spool)).toHaveLength(100);
});

test('a full spool refuses, and takes again what was refused once it is drained', async () => {
  const spool = await openSpool({ bytesMax: 100 });
  await append(spool, 'x'.repeat(80));
  await expect(append(spool, 'one more')).rejects.toMatchObject({ code: 'DQ_SPOOL_FULL', retryable: true });
  expect(await drainSpool(spool)).toHaveLength(1);
  await append(spool, 'one more');
  expect(await drainSpool(spool)).toEqual(['one more']);
});

test('however many appends come at once, the limit holds', async () => {
  const spool = await openSpool({ bytesMax: 1_000, fileBytesMax: 100 });
  const appends = Array.from({ length: 50 }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index % 7));
    await append(spool, 'x'.repeat(84));
  });
  const kept = (await Promise.allSettled(appends)).filter(({ status }) => status === 'fulfilled').length;
  expect([kept, spool.bytes]).toEqual([10, 1_000]);
});

test.each(['datasync', 'writev'] as const)('a disk that fails at %s keeps none of the append and all before it', async (call) => {
  const handles = await fileHandles();
  const spool = await openSpool({ fileBytesMax: 2 ** 16 });
  await append(spool, 'kept');
  const fail = vi.spyOn(handles, call).mockRejectedValueOnce(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }));
  await expect(append(spool, 'lost')).rejects.toMatchObject({ code: 'DQ_SPOOL_UNAVAILABLE', retryable: true });
  expect(fail).toHaveBeenCalled();
  await append(spool, 'again');
  expect(files()).toHaveLength(2);
  expect(await drainSpool(spool)).toEqual(['kept', 'again']);
  expect(damages).toEqual([]);
});

test('a write that the disk took only a part of is finished or refused, never taken for whole', async () => {
  const handles = await fileHandles();
  const spool = await openSpool({ fileBytesMax: 2 ** 16 });
  vi.spyOn(handles, 'writev').mockImplementationOnce(async function (this: FileHandle, buffers, position) {
    const [head] = buffers as Buffer[];
    return { bytesWritten: (await this.write(head as Buffer, 0, head?.length, position)).bytesWritten, buffers };
  });
  await append(spool, 'in two parts');
  vi.spyOn(handles, 'writev').mockImplementationOnce(async (buffers) => ({ bytesWritten: 3, buffers }));
  vi.spyOn(handles, 'write').mockImplementationOnce((async (buffer: Buffer) => ({
    bytesWritten: 1,
    buffer,
  })) as unknown as FileHandle['write']);
  await expect(append(spool, 'lost')).rejects.toMatchObject({ code: 'DQ_SPOOL_UNAVAILABLE' });
  expect(await drainSpool(spool)).toEqual(['in two parts']);
});

test('a folder that cannot be made says so and may be tried again', async () => {
  writeFileSync(join(dir, 'file'), '');
  await expect(
    Spool.open({ dir: join(dir, 'file'), bytesMax: 1, fileBytesMax: 1, onBytes: () => {}, onDamage: () => {}, onSkipped: () => {} }),
  ).rejects.toMatchObject({
    code: 'DQ_SPOOL_UNAVAILABLE',
    retryable: true,
  });
});

test('two that are open never share files, and what one leaves behind another takes over', async () => {
  const [one, other] = [await openSpool(), await openSpool()];
  expect([one.dir, other.dir]).toEqual([join(dir, 'instance-0'), join(dir, 'instance-1')]);
  await append(one, 'of one');
  await append(other, 'of the other');
  await one.adopt();
  expect(await drainSpool(one)).toEqual(['of one']);
  await closeSpool(other);
  await one.adopt();
  expect(await drainSpool(one)).toEqual(['of the other']);
  await append(one, 'left by one');
  await closeSpool(one);
  expect(await drainSpool(await openSpool())).toEqual(['left by one']);
});

test('a part that another process takes over by mistake is left, and nothing that was acknowledged is lost', async () => {
  const spool = await openSpool({ fileBytesMax: 10_000 });
  await append(spool, 'before');
  // As a process does that found a dead holder, was stopped, and goes on when there is a new one.
  unlinkSync(join(dir, 'instance-0', 'lock'));
  const thief = await openSpool();
  expect(thief.dir).toBe(spool.dir);
  await expect(append(spool, 'while it is taken')).rejects.toMatchObject({ code: 'DQ_SPOOL_UNAVAILABLE', retryable: true });
  await append(spool, 'again');
  expect(spool.dir).toBe(join(dir, 'instance-1'));
  expect([...(await drainSpool(thief)), ...(await drainSpool(spool))]).toEqual(expect.arrayContaining(['before', 'again']));
  expect([thief.bytes, skipped]).toEqual([0, []]);
});

test('who only reads sees everything, and changes nothing', async () => {
  const [one, other] = [await openSpool(), await openSpool()];
  await append(one, 'one', 'two');
  await append(other, 'three');
  const read = async () => {
    const texts: string[] = [];
    for await (const records of readSpool(dir)) texts.push(...records.map(String));
    return texts;
  };
  expect(await read()).toEqual(['one', 'two', 'three']);
  await append(one, 'four');
  expect(await read()).toEqual(['one', 'two', 'four', 'three']);
  expect(await drainSpool(one)).toEqual(['one', 'two', 'four']);
  expect(await read()).toEqual(['three']);
});

test('who only reads is told of what cannot be read', async () => {
  const spool = await openSpool();
  await append(spool, 'one');
  mkdirSync(join(spool.dir, '000000000009-00000000.spool'));
  const read = async () => {
    for await (const _ of readSpool(dir));
  };
  await expect(read()).rejects.toMatchObject({ code: 'DQ_SPOOL_UNAVAILABLE', message: expect.stringMatching(/000000000009.*EISDIR/) });
});

test('a torn tail is cut and reported, and what comes later is read', async () => {
  const before = await openSpool();
  await append(before, 'one', 'torn');
  await closeSpool(before);
  truncateSync(onlyFile(), 2 * 16 + 3 + 2);
  const after = await openSpool();
  await append(after, 'two');
  expect(await drainSpool(after)).toEqual(['one', 'two']);
  expect(damages).toEqual(['torn 19-37']);
});

test('a damaged record is kept aside when its file is removed, and the others are read', async () => {
  const spool = await openSpool();
  await append(spool, 'one', 'two', 'three');
  const bytes = readFileSync(onlyFile());
  bytes[2 * 16 + 3 + 1] = 0x21;
  writeFileSync(onlyFile(), bytes);
  expect(await drainSpool(spool)).toEqual(['one', 'three']);
  expect(damages).toEqual(['damaged 19-38 kept']);
  const [aside] = readdirSync(join(dir, 'instance-0')).filter((name) => name.endsWith('.damaged'));
  expect(readFileSync(join(dir, 'instance-0', aside as string))).toEqual(bytes.subarray(19, 38));
});

test('a file that somebody removed is reported and forgotten', async () => {
  const before = await openSpool();
  await append(before, 'one');
  await closeSpool(before);
  const spool = await openSpool();
  await append(spool, 'two');
  const [gone] = files();
  unlinkSync(join(spool.dir, gone as string));
  expect(await drainSpool(spool)).toEqual(['two']);
  expect([skipped, spool.bytes, spool.isEmpty]).toEqual([[`${gone} gone`], 0, true]);
});

test('a file that cannot be read does not keep back those behind it', async () => {
  const before = await openSpool();
  await append(before, 'one');
  await closeSpool(before);
  const spool = await openSpool();
  await append(spool, 'two');
  const [name] = files();
  const path = join(spool.dir, name as string);
  renameSync(path, `${path}.away`);
  mkdirSync(path);
  const next = await spool.oldest();
  expect(next?.records.map(String)).toEqual(['two']);
  await spool.remove(next as NonNullable<typeof next>);
  await expect(spool.oldest()).rejects.toMatchObject({ code: 'DQ_SPOOL_UNAVAILABLE' });
  expect(skipped).toEqual([`${name} unreadable`]);
  rmdirSync(path);
  renameSync(`${path}.away`, path);
  expect(await drainSpool(spool)).toEqual(['one']);
});

test('what was taken over before a move failed is drained all the same', async () => {
  const [one, other] = [await openSpool(), await openSpool({ fileBytesMax: 1 })];
  await append(other, 'first');
  await append(other, 'second');
  const otherDir = other.dir;
  await closeSpool(other);
  // A folder stands where the second file should go, and cannot be replaced by it.
  const second = readdirSync(otherDir).filter((name) => name.endsWith('.spool'))[1] as string;
  const obstacle = join(one.dir, second);
  mkdirSync(obstacle);
  await expect(one.adopt()).rejects.toMatchObject({ code: 'DQ_SPOOL_UNAVAILABLE' });
  rmdirSync(obstacle);
  expect(await drainSpool(one)).toEqual(['first']);
  await one.adopt();
  expect(await drainSpool(one)).toEqual(['second']);
});

test('a refused record is put aside, and renamed to a spool file it comes again', async () => {
  const spool = await openSpool();
  await append(spool, 'one', 'two');
  const file = await spool.oldest();
  const path = await spool.refuse(file as NonNullable<typeof file>, 1);
  expect(path).toBe(join(spool.dir, `${file?.name}.1.refused`));
  expect(await spool.refused()).toEqual([path]);
  expect(await drainSpool(spool)).toEqual(['one', 'two']);
  await closeSpool(spool);
  renameSync(path, join(spool.dir, file?.name as string));
  expect(await drainSpool(await openSpool())).toEqual(['two']);
  expect(damages).toEqual([]);
});

test('what a failed write left behind a file is a repetition at worst', async () => {
  const before = await openSpool();
  await append(before, 'one');
  await closeSpool(before);
  appendFileSync(onlyFile(), readFileSync(onlyFile()));
  expect(await drainSpool(await openSpool())).toEqual(['one', 'one']);
});

test('a process that is killed in the middle of writing has all that it was told is kept', async () => {
  const script = `
    import { Spool } from ${JSON.stringify(join(packageRoot, 'dist/src/drivers/spool/spool.js'))};
    const spool = await Spool.open({ dir: process.argv[1], bytesMax: 2 ** 30, fileBytesMax: 20_000, onBytes: () => {}, onDamage: () => {} });
    for (let number = 0; ; number++) {
      const text = String(number);
      const appended = spool.append([Buffer.from(text + ' ' + 'x'.repeat(number % 700))]).then(() => process.stdout.write(text + '\\n'));
      if (number % 16 === 0) await appended;
    }`;
  for (let round = 0; round < 2; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    let last = -1;
    createInterface({ input: child.stdout }).on('line', (line) => {
      last = Number(line);
      if (last > 300) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const spool = await openSpool();
    expect(spool.dir).toBe(join(dir, 'instance-0'));
    const numbers = (await drainSpool(spool)).map((text) => Number.parseInt(text, 10));
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(numbers.length).toBeGreaterThan(last);
    await closeSpool(spool);
  }
  expect(damages.filter((damage) => !damage.startsWith('torn'))).toEqual([]);
});

test('whatever is appended, drained and reopened in whatever order, every record comes out once and in order', async () => {
  const step = fc.oneof(fc.array(fc.nat(120), { minLength: 1, maxLength: 5 }), fc.constantFrom('drain', 'reopen', 'peek'));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const home = mkdtempSync(join(dir, 'case-'));
      let spool = await openSpool({ dir: home });
      let number = 0;
      const out: number[] = [];
      for (const one of steps) {
        if (Array.isArray(one)) {
          await Promise.all(one.map((length) => append(spool, `${number++} ${'x'.repeat(length)}`)));
        } else if (one === 'reopen') {
          await closeSpool(spool);
          spool = await openSpool({ dir: home });
        } else {
          const file = await spool.oldest();
          if (file && one === 'drain') {
            out.push(...file.records.map((record) => Number.parseInt(String(record), 10)));
            await spool.remove(file);
          }
        }
      }
      out.push(...(await drainSpool(spool)).map((text) => Number.parseInt(text, 10)));
      expect(out).toEqual(Array.from({ length: number }, (_, index) => index));
      await closeSpool(spool);
    }),
    { numRuns: 60 },
  );
});
