import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadSettings } from '../config/load-settings.ts';
import { failed, ok, warning } from './doctor/check.ts';
import { dlqFindings, validFindings } from './doctor/check-kafka.ts';
import { checkAllocator, checkNode, checkSpool, checkThreadPool } from './doctor/check-machine.ts';
import { checkStorage } from './doctor/check-storage.ts';
import { verdictOf } from './doctor.ts';

const { settings } = loadSettings({ file: null, env: {} });
const sound = { messageBytesMax: 32 * 2 ** 20, compacted: false, retentionMs: -1, retentionBytes: -1, logAppendTime: false };
const day = 24 * 3_600_000;

describe('the topics', () => {
  test('a sound topic is one finding that is ok', () => {
    expect(validFindings('v', sound, settings)).toMatchObject([{ state: 'ok' }]);
    expect(dlqFindings('d', sound, settings)).toEqual([ok('settings of d', 'keeps dead letters for ever')]);
    expect(dlqFindings('d', { ...sound, retentionMs: 30 * day }, settings)).toEqual([
      ok('settings of d', 'keeps dead letters for 30 days'),
    ]);
  });

  test('a valid topic that takes less than the limits let through is pointed out', () => {
    const [finding] = validFindings('v', { ...sound, messageBytesMax: 1_048_588 }, settings);
    expect(finding).toMatchObject({ state: 'warning', remedy: expect.stringContaining('max.message.bytes') });
    expect(
      validFindings('v', { ...sound, messageBytesMax: settings.limits.valueBytes + settings.limits.headerBytes }, settings),
    ).toMatchObject([{ state: 'ok' }]);
  });

  test('a valid topic that is compacted or replaces timestamps is pointed out', () => {
    expect(validFindings('v', { ...sound, compacted: true, logAppendTime: true }, settings).map(({ state }) => state)).toEqual([
      'warning',
      'warning',
    ]);
  });

  test('dead letters that would replace each other are a failure, short-lived ones a warning', () => {
    expect(dlqFindings('d', { ...sound, compacted: true }, settings)).toMatchObject([{ state: 'failed' }]);
    expect(dlqFindings('d', { ...sound, retentionMs: 7 * day - 1 }, settings)).toMatchObject([{ state: 'warning' }]);
    expect(dlqFindings('d', { ...sound, retentionMs: 7 * day }, settings)).toMatchObject([{ state: 'ok' }]);
    expect(dlqFindings('d', { ...sound, messageBytesMax: 1_048_588 }, settings)).toMatchObject([{ state: 'warning' }]);
  });
});

describe('the machine', () => {
  test('a Node that gets no fixes any more is pointed out from the day after', () => {
    expect(checkNode('20.20.2', new Date('2026-04-30T12:00:00Z'))).toMatchObject({ state: 'ok' });
    expect(checkNode('20.20.2', new Date('2026-05-01T12:00:00Z'))).toMatchObject({ state: 'warning' });
    expect(checkNode('23.1.0', new Date('2026-05-01T12:00:00Z'))).toMatchObject({ state: 'warning' });
  });

  test("the allocator is named, and where it is not the image's, what to start with", () => {
    expect(checkAllocator('7f00-7f01 r-xp 00000000 fe:00 1  /usr/lib/libjemalloc.so.2\n')).toMatchObject({
      state: 'ok',
      detail: 'jemalloc',
    });
    for (const maps of ['7f00-7f01 r-xp 00000000 fe:00 1  /usr/lib/libc.so.6\n', null])
      expect(checkAllocator(maps)).toMatchObject({ state: 'ok', detail: expect.stringContaining('LD_PRELOAD=libjemalloc.so.2') });
  });

  test('too few threads are pointed out', () => {
    expect(checkThreadPool({})).toMatchObject({ state: 'warning' });
    expect(checkThreadPool({ UV_THREADPOOL_SIZE: '15' })).toMatchObject({ state: 'warning' });
    expect(checkThreadPool({ UV_THREADPOOL_SIZE: '16' })).toMatchObject({ state: 'ok' });
  });
});

test('a spool in memory is pointed out, in other words where offsets hang on it', async () => {
  const spool = { ...settings.spool, dir: '/dev/shm/spool' };
  expect(await checkSpool(spool)).toMatchObject({ state: 'warning', detail: expect.stringContaining('not used') });
  expect(await checkSpool({ ...spool, commit: true })).toMatchObject({ state: 'warning', detail: expect.stringContaining('all the same') });
  expect(await checkSpool({ ...spool, commit: false })).toMatchObject({ state: 'ok' });
  expect(await checkSpool({ ...spool, dir: '/dev/null/spool' })).toMatchObject({ state: 'failed' });
});

describe('a bucket of AWS', () => {
  afterEach(() => vi.unstubAllEnvs());

  /** What the AWS SDK may find of this machine's own. */
  function hideAws(): void {
    for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_'))) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  }

  test.each([
    ['a region', null, 'AWS_REGION'],
    ['keys', 'eu-central-1', 'AWS_ACCESS_KEY_ID'],
  ])('without %s is no reason to make it: what is to be set is named', async (_, region, name) => {
    hideAws();
    const [finding] = await checkStorage({ ...settings, storage: { ...settings.storage, url: 's3://quarantine', region } });
    expect(finding).toEqual({ name: 'storage', state: 'failed', detail: expect.stringContaining(`set ${name}`), remedy: null });
  });
});

test('the verdict is the worst finding, and a warning is none', () => {
  const away = { name: 'x', state: 'unreachable', detail: '', remedy: null } as const;
  expect(verdictOf([ok('x', ''), warning('x', '', '')])).toBe(0);
  expect(verdictOf([ok('x', ''), failed('x', '')])).toBe(1);
  expect(verdictOf([failed('x', ''), away])).toBe(3);
});
