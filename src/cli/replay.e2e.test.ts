import { expect, test } from 'vitest';
import { dq } from '../testing/command-line.ts';
import { startEngine } from '../testing/engine.ts';
import { openDesk } from '../testing/review-desk.ts';

test('records are listed, exported, planned and replayed from the shell, without a service and through one', async () => {
  const desk = await openDesk();
  const [first, second] = (await desk.quarantine([
    { value: '{"_schema":"sale","id":1,"amount":1}', key: '=cmd()' },
    { value: '{"_schema":"sale","id":2,"amount":2}', key: 'b' },
    { value: '{"_schema":"sale","id":3,"amount":"x"}', key: 'c' },
  ])) as [string, string];
  const { env } = desk;
  const listed = await dq('quarantine ls --topic none --json', { env });
  expect([listed.exitCode, JSON.parse(listed.stdout)]).toEqual([0, { items: [] }]);
  expect((await dq('quarantine ls', { env })).stdout).toContain(first);
  expect((await dq(`quarantine show ${first} --payload`, { env })).stdout).toBe('{"_schema":"sale","id":1,"amount":1}');
  expect(await dq('quarantine show 00000000-0000-4000-8000-000000000000', { env })).toMatchObject({ exitCode: 1, stdout: '' });
  const csv = (await dq('quarantine export --format csv', { env })).stdout.trimEnd().split('\r\n');
  expect(csv).toHaveLength(4);
  expect(csv.find((line) => line.includes(first))).toContain(`,"'=cmd()",`);
  const lines = (await dq('quarantine export --payloads --limit 2', { env })).stdout.trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { status: string }).status)).toEqual(['quarantined', 'quarantined']);

  const plan = async (words: string) => {
    const { exitCode, stdout, stderr } = await dq(`replay plan ${words} --json`, { env });
    if (exitCode > 1) throw new Error(stderr);
    return { exitCode, replay: JSON.parse(stdout) as { id: string; report: { forecast: Record<string, number> } } };
  };
  const { exitCode, replay } = await plan(`--ids ${first} --rate none`);
  expect([exitCode, replay.report.forecast['will_pass']]).toEqual([0, 1]);
  expect((await plan('--status discarded')).exitCode).toBe(1);
  const started = await dq(`replay start ${replay.id}`, { env });
  expect([started.exitCode, started.stdout]).toEqual([0, expect.stringContaining('done: 1 of 1 published')]);
  expect((await desk.published()).flat()).toHaveLength(1);
  expect(await dq(`replay start ${replay.id}`, { env })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('is done') as string,
  });
  expect(await dq('erase --subject ann', { env })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('later version') as string,
  });

  const service = await startEngine(env, ['--only', 'review']);
  const byUrl = (words: string) => dq(`${words} --url ${service.address}`);
  const { replay: other } = await plan(`--ids ${second}`);
  expect((await byUrl(`replay start ${other.id} --watch`)).exitCode).toBe(0);
  expect((await byUrl('replay status')).stdout).toContain(other.id);
  expect((await byUrl(`replay cancel ${other.id}`)).exitCode).toBe(1);
  expect((await desk.published()).flat()).toHaveLength(2);
  await service.stop();
  expect(await byUrl('replay status')).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('cannot be reached') as string });
});
