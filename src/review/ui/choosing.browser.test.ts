import { expect, test } from 'vitest';
import { openPage, patient } from '../../testing/browser.ts';
import { openStage } from '../../testing/engine.ts';
import { sendMessages, userEvent } from '../../testing/send-messages.ts';

test('all records that are shown are selected at once, discarded, and taken back', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, ['', '{', '[1', userEvent('user-1')]);
  await stage.committed();
  const { page, complaints } = await openPage(address);
  await page.goto('/causes?q=json');
  await page.getByRole('link', { name: 'Expected JSON, found something else' }).click();
  await page.getByRole('tab', { name: 'Repair all' }).click();
  await page.getByRole('link', { name: 'select and discard them' }).click();
  await page.getByRole('checkbox', { name: 'Select all that are shown' }).check();
  await page.getByText('3 selected').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('3 records discarded.').waitFor();
  await page.getByText('No record fits').waitFor();

  await page.goto('/records?status=discarded');
  const rows = page.locator('main [data-row]');
  await expect.poll(() => rows.count(), patient).toBe(3);
  await page.getByRole('checkbox', { name: 'Select all that are shown' }).check();
  await page
    .getByRole('checkbox', { name: /^Select the record/ })
    .first()
    .uncheck();
  await page.getByRole('button', { name: 'Take back' }).click();
  await page.getByText('2 records taken back.').waitFor();
  await expect.poll(() => rows.count(), patient).toBe(1);
  await rows.first().click();
  await page.getByRole('button', { name: 'Take back' }).click();
  await page.getByRole('button', { name: 'Discard' }).waitFor();
  expect(complaints).toEqual([]);
});

test('a plan of which nothing would pass leads to the repair of its cause', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1'), userEvent('user-2')]);
  await stage.committed();
  const { page, complaints } = await openPage(address);
  await page.goto('/causes');
  await page.locator('main [data-row]').first().click();
  await page.getByRole('link', { name: 'Replay', exact: true }).click();
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByText('None of these records would pass').waitFor();
  expect(await page.getByRole('button', { name: 'Publish 0' }).isDisabled()).toBe(true);
  await page.getByRole('link', { name: 'Repair all records of the cause' }).click();
  await page.getByRole('region', { name: 'Proposals' }).waitFor();
  expect(complaints).toEqual([]);
});
