import { expect, test } from 'vitest';
import { openPage } from '../../testing/browser.ts';
import { openStage, type Stage } from '../../testing/engine.ts';
import { encodeBatch, produceRaw } from '../../testing/raw-records.ts';

const event = (user: string, rest: string) =>
  `{"_schema":"user_event","_schema_version":"1.0.0","user_id":"${user}","event_type":"click","timestamp":"2026-01-01T00:00:00Z",${rest}}`;
const unusual = '"amount": 12.50 ,"event_id":"\\u0041\\/1"';

async function send(stage: Stage, values: readonly (string | Buffer)[]): Promise<void> {
  const records = values.map((value, at) => ({
    key: Buffer.from(`customer-${at}`),
    value: Buffer.from(value),
    headers: [],
    timestamp: 1_767_225_600_000 + at,
  }));
  for (const record of records)
    await produceRaw({ broker: stage.env['DQ_KAFKA_BROKERS'] as string, topic: stage.source, partition: 0, batch: encodeBatch([record]) });
}

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
  await send(stage, [event('user-1', unusual), '{"_schema":"user_event",', Buffer.from([0x22, 0xff, 0x22])]);
  await stage.committed();
  const found: string[] = [];
  for (const { theme, width } of [{ theme: 'light', width: 1280 } as const, { theme: 'dark', width: 390 } as const]) {
    const { page, barriers } = await openPage(address, { theme, width });
    await page.goto('/records');
    const record = await page.locator('main [data-row]').last().getAttribute('href');
    await page.goto('/causes');
    const cause = await page.locator('main [data-row]').first().getAttribute('href');
    for (const view of [...views, record, `${record}?view=tree`, `${record}?view=hex`, `${record}/edit`, cause, `${cause}?part=repair`]) {
      await page.goto(view as string);
      await page.locator('main h1, main h2').first().waitFor();
      await expect.poll(() => page.locator('[aria-label="Loading"]').count()).toBe(0);
      found.push(...(await barriers()).map((barrier) => `${theme} ${view}: ${barrier}`));
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      if (overflow > 0) found.push(`${theme} ${view}: ${overflow} px wider than the screen`);
    }
  }
  expect(found).toEqual([]);
});

test('everything can be walked by keyboard', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await send(stage, [event('user-1', unusual), event('user-2', unusual)]);
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

test('who signs in with a token gets the rights of that token, and no others', async () => {
  const stage = await openStage({
    env: { DQ_AUTH_MODE: 'token', DQ_AUTH_TOKENS: 'ann:viewer:looks-only,bob:operator+payload:may-replay' },
  });
  const { address } = await stage.start();
  await send(stage, [event('user-1', unusual)]);
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

  await page.goto('/settings');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Access token').fill('may-replay');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.goto('/records');
  await page.locator('main [data-row]').first().click();
  await page.getByLabel('Payload as text').waitFor();
  expect(await page.getByRole('link', { name: 'Replay', exact: true }).count()).toBe(1);
});
