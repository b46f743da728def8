import { expect, test } from 'vitest';
import { openPage } from '../../testing/browser.ts';
import { openStage } from '../../testing/engine.ts';
import { sendMessages, userEvent } from '../../testing/send-messages.ts';

test('a cause is archived, opened again and resolved, and has regressed when a record of it comes after all', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1')]);
  await stage.committed();
  const { page, complaints } = await openPage(address);
  const state = async (text: string) => page.locator('main').getByText(text, { exact: true }).first().waitFor();
  await page.goto('/causes');
  await page.locator('main [data-row]').first().click();
  await page.getByRole('button', { name: 'Archive' }).click();
  await page.getByLabel('Come back').selectOption('week');
  await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
  await state('archived');
  const cause = page.url();
  await page.goto('/');
  await page.getByRole('region', { name: 'Worst causes' }).getByText('No cause is open').waitFor();

  await page.goto('/causes?state=open');
  await page.getByText('No cause fits').waitFor();
  await page.goto('/causes?state=archived');
  await page.locator('main [data-row]').first().click();
  await page.waitForURL(cause);
  await page.getByRole('button', { name: 'Open again' }).click();
  await state('open');
  await page.getByRole('button', { name: 'Resolve' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resolve' }).click();
  await state('resolved');

  await sendMessages(stage, [userEvent('user-2')]);
  await state('regressed');
  expect(complaints).toEqual([]);
});

test('an open cause stands on the overview, however many that were put aside did more harm', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  const aside = Array.from({ length: 51 }, (_, at) => `{"twice_${at}":1,"twice_${at}":1}`);
  await sendMessages(stage, [...aside, ...aside, '{"no":"schema"}']);
  await stage.committed();
  const groups = `${address}/api/v1/groups`;
  type Cause = { readonly fingerprint: string; readonly version: number; readonly count: number };
  const causes = async () => ((await (await fetch(`${groups}?limit=100`)).json()) as { readonly items: readonly Cause[] }).items;
  await expect.poll(async () => (await causes()).length, { timeout: 60_000 }).toBe(52);
  for (const { fingerprint, version } of (await causes()).filter(({ count }) => count === 2)) {
    const headers = { 'content-type': 'application/json', 'if-match': `"${version}"` };
    const init = { method: 'PATCH', headers, body: '{"state":"archived"}' };
    expect((await fetch(`${groups}/${encodeURIComponent(fingerprint)}`, init)).status).toBe(200);
  }
  const { page } = await openPage(address);
  await page.goto('/');
  await page.getByRole('region', { name: 'Worst causes' }).getByText('Expected a schema to be named').waitFor();
});

test('a change of a schema is checked and tried on what is in quarantine and on what passed', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1'), userEvent('USER000002'), userEvent('USER000003')]);
  await stage.committed();
  const { page, complaints } = await openPage(address);
  await page.goto('/schemas');
  await page.getByRole('link', { name: 'user_event' }).click();
  await page.getByRole('tab', { name: 'Try a change' }).click();
  await page.getByRole('textbox', { name: 'Candidate schema' }).click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText('{"type":"object","required":["user_id"],"properties":{"user_id":{"const":"user-1"}}}');
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByRole('region', { name: 'Compatibility' }).getByText('not compatible').waitFor();
  await page.getByRole('button', { name: 'What if' }).click();
  const trial = page.getByRole('region', { name: 'What if' });
  await trial.getByText('of 1 record in quarantine would pass.').waitFor();
  await trial.getByText('of 2 messages that passed lately would be refused.').waitFor();
  expect(await trial.locator('strong').allTextContents()).toEqual(['1', '2']);

  // What was said was said of another text.
  await page.getByRole('textbox', { name: 'Candidate schema' }).click();
  await page.keyboard.press('ControlOrMeta+End');
  await page.keyboard.insertText(' ');
  await trial.waitFor({ state: 'detached' });
  expect(await page.getByRole('region', { name: 'Compatibility' }).count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('drift leads to the records it tells of, the audit log to what was read, and the settings say where they come from', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('USER000001', '"amount":"much"')]);
  await stage.committed();
  const { page, complaints } = await openPage(address);
  await page.goto('/drift?kind=refused');
  await page.getByRole('region', { name: 'Drift' }).getByRole('link', { name: 'amount' }).click();
  await page.waitForURL('**/records?**');
  await page.locator('main [data-row]').first().click();
  await page.getByLabel('Payload as text').waitFor();
  const record = new URL(page.url()).pathname;

  await page.goto('/audit');
  await page.getByLabel('Action').fill('payload.read');
  await page.waitForURL('**/audit?action=payload.read');
  await page
    .getByRole('region', { name: 'Audit log' })
    .getByRole('link', { name: record.split('/').at(-1) as string })
    .click();
  await page.waitForURL(`**${record}`);

  await page.goto('/settings');
  const configuration = page.getByRole('region', { name: 'Configuration' });
  await configuration.getByText('DQ_KAFKA_BROKERS').waitFor();
  expect(await configuration.getByText('limits.depth').count()).toBe(0);
  await page.getByRole('searchbox', { name: 'Search settings' }).fill('limits depth');
  await configuration.getByText('limits.depth').waitFor();
  await page.getByRole('searchbox', { name: 'Search settings' }).fill('secretAccessKey');
  await configuration.getByText('********').waitFor();
  expect(await configuration.textContent()).not.toContain(stage.env['AWS_SECRET_ACCESS_KEY']);
  expect(complaints).toEqual([]);
});
