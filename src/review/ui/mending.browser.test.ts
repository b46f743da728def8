import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openPage, patient } from '../../testing/browser.ts';
import { openStage } from '../../testing/engine.ts';
import { orderWithTextQuantity, sendMessages } from '../../testing/send-messages.ts';

const orders = 24;

/** From the repaired cause to a plan; `rate` is its limit in messages a second. */
async function planReplay(page: Page, rate: number | null): Promise<void> {
  await page.getByRole('heading', { name: 'New replay' }).waitFor();
  if (rate !== null) {
    await page.getByRole('checkbox', { name: /^At most/ }).check();
    await page.getByRole('spinbutton', { name: 'Messages a second' }).fill(String(rate));
  }
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('region', { name: 'Dry run' }).getByText('will pass', { exact: true }).waitFor();
}

test('a cause is mended by a proposed repair with a preview, its replay is paused, resumed and cancelled, and a second one publishes the rest', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(
    stage,
    Array.from({ length: orders }, (_, at) => orderWithTextQuantity(at)),
  );
  await stage.committed();
  const { page, complaints } = await openPage(address);
  await page.goto('/');
  const worst = page.getByRole('region', { name: 'Worst causes' });
  await worst.getByText('owner orders').waitFor();
  await worst.getByRole('link', { name: /quantity: expected an integer, found a string/ }).click();
  await page.waitForURL('**/causes/**');
  const cause = page.url();

  await page.getByRole('link', { name: 'Repair all' }).click();
  await page
    .getByRole('region', { name: 'Proposals' })
    .getByRole('button', { name: /quantity as integer/ })
    .click();
  const preview = page.getByRole('region', { name: 'Preview' });
  await preview.getByText(`${orders} mended`).waitFor();
  expect(await preview.locator('del').first().textContent()).toContain('"2"');
  expect(await preview.locator('ins').first().textContent()).toBe('2');
  await page.getByRole('button', { name: `Mend ${orders}` }).click();
  await page.getByRole('link', { name: 'Replay them' }).waitFor();
  await page.getByRole('button', { name: 'Try on all records' }).click();
  await preview.getByText(`${orders} edited before, left alone`).waitFor();
  await preview.getByRole('button', { name: 'Change them too' }).click();
  await preview.getByText(`${orders} edited before, changed too`).waitFor();
  await page.getByRole('link', { name: 'Replay them' }).click();

  await planReplay(page, 1);
  await page.getByRole('button', { name: `Publish ${orders}` }).click();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('paused', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('progressbar', { name: 'Published' }).waitFor();
  await page.getByText('running', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  const question = page.getByRole('dialog', { name: 'Cancel this replay?' });
  await question.getByRole('button', { name: 'Cancel the replay' }).click();
  await page.getByText('cancelled', { exact: true }).waitFor();

  await page.goto(`${cause}?part=records`);
  await page.getByRole('link', { name: 'Replay', exact: true }).click();
  await planReplay(page, null);
  await page.getByRole('button', { name: /^Publish \d/ }).click();
  const summary = page.getByRole('region', { name: 'Summary' });
  await summary.getByText(/^ey/).waitFor();
  const ends = await stage.wire.ends(stage.valid);
  expect(ends.reduce((sum, end) => sum + end, 0)).toBe(orders);

  await page.goto(cause);
  await page.getByRole('region', { name: 'Records of this cause' }).locator('[data-row]').first().click();
  const history = page.getByRole('region', { name: 'History' });
  await history.getByText('replayed', { exact: true }).waitFor();
  expect(await history.textContent()).toContain(`to ${stage.valid}`);
  await page.getByRole('tab', { name: 'As edited' }).click();
  await expect.poll(() => page.getByLabel('Payload as text').textContent(), patient).toContain('"quantity": 2,');
  await history.getByRole('link', { name: 'see the replay' }).click();
  await page.waitForURL('**/replays/*');

  await page.goto(cause);
  await page.getByRole('button', { name: 'Resolve' }).click();
  await page.getByRole('dialog', { name: 'Resolve this cause' }).getByRole('button', { name: 'Resolve' }).click();
  await page.getByText('resolved', { exact: true }).waitFor();
  expect(complaints).toEqual([]);
});
