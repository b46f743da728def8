import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import { silentLog } from '../observe/log.ts';
import { brokers } from '../testing/broker.ts';
import { openStage, type Stage } from '../testing/engine.ts';
import { publishMessages } from '../testing/publish-messages.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'poison-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Environment that makes the service load a script first, in its threads too. */
function preloading(script: string): Record<string, string> {
  const file = join(dir, 'preload.mjs');
  writeFileSync(file, script);
  return { NODE_OPTIONS: `--import=${file}`, DQ_SPOOL_DIR: join(dir, 'spool'), DQ_WORKERS: '1', DQ_ENGINE: 'js' };
}

const settings = 'kafka:\n  client:\n    session.timeout.ms: 6000\n';
const deathsMax = 8;

async function feed(stage: Stage, values: readonly string[]): Promise<void> {
  const publisher = await ClientPublisher.open({
    client: { brokers: brokers(), clientId: 'feeder', properties: {} },
    messageBytesMax: new Map([[stage.source, 2 ** 20]]),
    log: silentLog(),
    onFatal: () => {},
  });
  const place = { partition: 0, offset: 0, epoch: 0, topic: 0, headers: [] };
  const messages = values.map((value, index) => {
    const timestamp = 1_767_225_600_000 + index;
    return { ...place, timestamp, key: Buffer.from(`${index}`), value: Buffer.from(value) };
  });
  await publishMessages(publisher, stage.source, messages);
  await publisher.close();
}

test('a message that kills the process is found and quarantined, and all others are judged', async () => {
  const script = `
    import { isMainThread } from 'node:worker_threads';
    const parse = JSON.parse;
    if (!isMainThread) JSON.parse = (text, ...rest) => {
      if (String(text).includes('"deadly"')) process.kill(process.pid, 'SIGKILL');
      return parse(text, ...rest);
    };
  `;
  const stage = await openStage({ source: { partitions: 1 }, settings, env: preloading(script) });
  const event = (id: string) => `{"_schema":"no_such_schema","id":"${id}"}`;
  await feed(stage, [...Array.from({ length: 50 }, (_, index) => event(`${index}`)), event('deadly'), event('last')]);
  let deaths = 0;
  for (let isDone = false; !isDone; ) {
    const engine = await stage.start();
    const end = await Promise.race([engine.ended().then(() => 'died'), stage.committed().then(() => 'committed')]);
    isDone = end === 'committed';
    if (isDone) expect(await engine.stop()).toBe(0);
    else expect((deaths += 1)).toBeLessThan(deathsMax);
  }
  expect(deaths).toBe(5);
  expect((await stage.verify()).counts).toMatchObject({ in: 52, quarantined: 52, unaccounted: 0 });
  const { rows } = await stage.database.withClient((client) =>
    client.query('SELECT "offset"::int AS offset FROM quarantine_records WHERE error_type = $1', ['validator_error']),
  );
  expect(rows).toEqual([{ offset: 50 }]);
});

test('an error that nobody handled ends the service with a last line that says so, and with code 1', async () => {
  const script = `
    import { isMainThread } from 'node:worker_threads';
    if (isMainThread) process.once('SIGUSR2', () => Promise.reject(new Error('nobody expects this')));
  `;
  const stage = await openStage({ source: { partitions: 1 }, settings, env: preloading(script) });
  const engine = await stage.start();
  engine.signal('SIGUSR2');
  expect(await engine.ended()).toBe(1);
  expect(engine.log.at(-1)).toMatchObject({ level: 'fatal', msg: 'the service ends: an error that nobody handled' });
});
