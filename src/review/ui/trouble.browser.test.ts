import { expect, test } from 'vitest';
import { openPage } from '../../testing/browser.ts';
import { openStage, startEngine } from '../../testing/engine.ts';
import { sendMessages, userEvent } from '../../testing/send-messages.ts';

test('a service that is away is said to be, and the page goes on by itself when it is back', async () => {
  const stage = await openStage();
  const engine = await stage.start();
  await sendMessages(stage, [userEvent('user-1')]);
  await stage.committed();
  const { page } = await openPage(engine.address);
  await page.goto('/causes');
  await page.locator('main [data-row]').first().waitFor();
  await engine.stop();
  await page.getByText('The service does not answer. What you see is from before').waitFor();
  await page.getByRole('link', { name: 'Replays' }).click();
  await page.getByRole('alert').getByText('The service does not answer', { exact: true }).waitFor();

  await startEngine({ ...stage.env, DQ_HTTP_PORT: new URL(engine.address).port });
  await page.getByText('The service does not answer. What you see is from before').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Nothing was replayed yet').waitFor();
});

test('what a role may not see is said with the role that may, and is no dead end', async () => {
  const stage = await openStage({ env: { DQ_AUTH_MODE: 'token', DQ_AUTH_TOKENS: 'ann:viewer:looks-only' } });
  const { address } = await stage.start();
  const { page } = await openPage(address);
  await page.goto('/audit');
  await page.getByLabel('Access token').fill('looks-only');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('This needs the role admin; ann is viewer.').waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByText('What is configured, and where, is shown to operators and admins.').waitFor();
});

test('what is empty says why, and addresses that lead nowhere say so', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  const { page, complaints } = await openPage(address);
  const says = async (path: string, text: string | RegExp) => {
    await page.goto(path);
    await page.locator('main').getByText(text).first().waitFor();
  };
  await says('/', 'Nothing is in quarantine');
  await says('/causes', 'Nothing is in quarantine');
  await says('/causes?state=regressed', 'No cause fits');
  await says('/records?q=nothing', 'No record fits');
  await says('/replays', 'Nothing was replayed yet');
  await says('/audit?by=nobody', 'No entry fits');
  await says('/replays/new?q=nothing', '0 records');
  await says('/nowhere', 'There is no such page');
  expect(complaints).toEqual([]);
  await says('/records/00000000-0000-4000-8000-000000000000', 'There is no such record');
  await says('/causes/v1:00000000000000000000000000000000', /There is no such/);
});
