import { expect, test } from 'vitest';
import { freshTopics } from '../../testing/broker.ts';
import { openPage, patient } from '../../testing/browser.ts';
import { lettersOf } from '../../testing/dead-letters.ts';
import { openStage, type Stage } from '../../testing/engine.ts';
import { encodeBatch, produceRaw } from '../../testing/raw-records.ts';
import { sendMessages, userEvent } from '../../testing/send-messages.ts';

const unusual = '"amount": 12.50 ,"event_id":"\\u0041\\/1"';

/** The values of a topic, as text. */
async function valuesOf(stage: Stage, topic: string): Promise<string[]> {
  const values: string[] = [];
  for (const [partition, to] of (await stage.wire.ends(topic)).entries()) {
    await stage.wire.read(
      { topic, partition, from: 0, to },
      (batch) => void values.push(...batch.map(({ value }) => value?.toString() ?? '')),
    );
  }
  return values;
}

test('a cause is found, its record repaired and replayed, and it arrives in the valid topic with every other byte as it was', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1', unusual), userEvent('USER000002', unusual), userEvent('user-3', unusual)]);
  await stage.committed();
  const { page, complaints } = await openPage(address);

  await page.goto('/causes');
  await page.getByRole('link', { name: /^user_id: expected a string that matches/ }).click();
  await page.getByRole('region', { name: 'Records of this cause' }).locator('[data-row]').first().click();
  await expect.poll(() => page.getByLabel('Payload as text').textContent(), patient).toContain('12.50');
  await page.getByRole('link', { name: 'Edit' }).click();
  const editor = page.getByRole('textbox', { name: 'Payload' });
  const before = (await editor.textContent()) ?? '';
  const user = /user-\d/.exec(before)?.[0] ?? '';
  await editor.click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(userEvent('USER000001', unusual));
  await page.getByText('This text fits the schema.').waitFor();
  await page.getByRole('button', { name: 'Save edit' }).click();
  await page.getByRole('link', { name: 'Replay it' }).click();
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('button', { name: 'Publish 1' }).click();
  await page.getByText('done', { exact: true }).waitFor();

  expect(user).toMatch(/^user-[13]$/);
  expect((await valuesOf(stage, stage.valid)).sort()).toEqual([userEvent('USER000001', unusual), userEvent('USER000002', unusual)]);
  expect(complaints).toEqual([]);
});

test('a dead letter of another system is found by who wrote it, and says where it came from and where it goes', async () => {
  const [letters] = (await freshTopics(['orders-dlt'])) as [string];
  const stage = await openStage({ env: { DQ_INTAKE_TOPICS: letters } });
  const { address } = await stage.start();
  const headers = lettersOf.spring_kafka({ topic: 'orders', partition: 2, offset: 77 });
  const record = { key: null, value: Buffer.from('{"order":1}'), headers, timestamp: 1_767_225_600_000 };
  await produceRaw({ broker: stage.env['DQ_KAFKA_BROKERS'] as string, topic: letters, partition: 0, batch: encodeBatch([record]) });
  const isTaken = async () => (await stage.database.withClient((client) => client.query('SELECT FROM foreign_records'))).rowCount === 1;
  while (!(await isTaken())) await new Promise((resolve) => setTimeout(resolve, 100));
  const { page, complaints } = await openPage(address);

  await page.goto('/records');
  await page.getByRole('button', { name: /^Spring Kafka/ }).click();
  await page.getByRole('link', { name: /^Spring Kafka gave it up: ListenerExecutionFailedException/ }).click();
  const told = page.getByRole('region', { name: 'Dead letter' });
  await expect.poll(() => told.textContent(), patient).toContain('orders/2@77');
  expect(await told.textContent()).toContain(`${letters}/0@0`);
  expect(await told.textContent()).toContain('no address');
  expect(await told.textContent()).toContain('replay.targets');
  expect(complaints).toEqual([]);
});

const views = [
  '/',
  '/causes',
  '/records',
  '/replays',
  '/replays/new',
  '/schemas',
  '/schemas/user_event',
  '/schemas/user_event?part=try',
  '/drift',
  '/audit',
  '/settings',
  '/nowhere',
];

test('axe finds nothing serious on any view, in either theme and at either width, and nothing is wider than the screen', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1', unusual), '{"_schema":"user_event",', Buffer.from([0x22, 0xff, 0x22])]);
  await stage.committed();
  const found: string[] = [];
  const looks = (['light', 'dark'] as const).flatMap((theme) => [1280, 390].map((width) => ({ theme, width })));
  for (const { theme, width } of looks) {
    const { page, barriers } = await openPage(address, { theme, width });
    await page.goto('/records');
    const record = await page.locator('main [data-row]').last().getAttribute('href');
    await page.goto('/causes');
    const cause = await page.locator('main [data-row]').first().getAttribute('href');
    for (const view of [...views, record, `${record}?view=tree`, `${record}?view=hex`, `${record}/edit`, cause, `${cause}?part=repair`]) {
      await page.goto(view as string);
      await page.locator('main h1, main h2').first().waitFor();
      await expect.poll(() => page.locator('[aria-label="Loading"]').count(), patient).toBe(0);
      found.push(...(await barriers()).map((barrier) => `${theme} ${width} ${view}: ${barrier}`));
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      if (overflow > 0) found.push(`${theme} ${width} ${view}: ${overflow} px wider than the screen`);
    }
  }
  expect(found).toEqual([]);
});

test('everything can be walked by keyboard', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1', unusual), userEvent('user-2', unusual)]);
  await stage.committed();
  const { page } = await openPage(address);
  await page.goto('/');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();

  await page.keyboard.press('g');
  await page.keyboard.press('r');
  await page.getByRole('heading', { name: 'Records' }).waitFor();
  await page.locator('main [data-row]').first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  const second = await page.locator('main [data-row]').nth(1).getAttribute('href');
  expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe(second);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**${second}`);
  await page.getByLabel('Payload as text').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  for (let at = 0; at < 4; at += 1) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement === document.body || document.activeElement.closest("dialog") !== null')).toBe(true);
  }
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('e');
  await page.waitForURL('**/edit');
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await page.waitForURL('**/causes');
  await page.keyboard.press('/');
  await page.keyboard.type('user_id');
  await page.waitForURL('**/causes?q=user_id');
});

test('the key r leads to the replay of what has the focus, is selected or is shown', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1', unusual), userEvent('user-2', unusual), '{"_schema":"user_event",']);
  await stage.committed();
  const { page, complaints } = await openPage(address);
  /** Presses keys on a view that has rows; where that leads. */
  const press = async (view: string, ...keys: string[]) => {
    await page.goto(view);
    await page.locator('main [data-row]').first().waitFor();
    for (const key of keys) await page.keyboard.press(key);
    await page.getByRole('heading', { name: 'New replay' }).waitFor();
    return new URL(page.url()).searchParams;
  };
  await page.goto('/records');
  await page.locator('main [data-row]').nth(2).waitFor();
  const rows = await page.locator('main [data-row]').all();
  const ids = await Promise.all(rows.map((row) => row.getAttribute('data-row')));
  await page.goto('/causes?q=user_id');
  const cause = (await page.locator('main [data-row]').first().getAttribute('data-row')) ?? '';

  expect((await press('/causes?q=user_id', 'j', 'r')).get('fingerprint')).toBe(cause);
  await page.getByText('2 records right now').waitFor();
  expect((await press(`/causes/${encodeURIComponent(cause)}`, 'r')).get('fingerprint')).toBe(cause);
  expect((await press('/records', 'j', 'j', 'r')).get('ids')).toBe(ids[1]);
  expect((await press('/records', 'j', 'x', 'j', 'x', 'j', 'r')).get('ids')).toBe(`${ids[0]},${ids[1]}`);
  await page.getByText('2 chosen records').waitFor();

  await page.goto(`/records/${ids[2]}`);
  await page.getByLabel('Payload as text').waitFor();
  await page.keyboard.press('r');
  await page.waitForURL(`**/replays/new?ids=${ids[2]}`);
  expect(complaints).toEqual([]);
});

test('who signs in with a token gets the rights of that token, and no others', async () => {
  const stage = await openStage({
    env: { DQ_AUTH_MODE: 'token', DQ_AUTH_TOKENS: 'ann:viewer:looks-only,bob:operator+payload:may-replay' },
  });
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1', unusual)]);
  await stage.committed();
  const { page } = await openPage(address);
  await page.goto('/records');
  await page.getByLabel('Access token').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This token is not known here.').waitFor();
  await page.getByLabel('Access token').fill('looks-only');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('main [data-row]').first().click();
  await page.getByText('payload:read').first().waitFor();
  expect(await page.getByRole('link', { name: 'Replay', exact: true }).count()).toBe(0);
  expect(await page.getByText('customer-0').count()).toBe(0);
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await help.getByText('Record after it in its partition').waitFor();
  expect(await help.getByText(/^(Edit|Replay|Discard)$/).count()).toBe(0);
  await page.keyboard.press('Escape');

  await page.goto('/settings');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Access token').fill('may-replay');
  await page.getByRole('button', { name: 'Sign in' }).click();
  // To go elsewhere at once would end the request.
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await page.goto('/records');
  await page.locator('main [data-row]').first().click();
  await page.getByLabel('Payload as text').waitFor();
  expect(await page.getByRole('link', { name: 'Replay', exact: true }).count()).toBe(1);
});
