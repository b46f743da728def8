import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openPage } from '../../testing/browser.ts';
import { openStage } from '../../testing/engine.ts';
import { sendMessages, userEvent } from '../../testing/send-messages.ts';

/** What somebody else does, past the page; the status of the answer. */
async function elsewhere(address: string, path: string, { method = 'POST', body = {}, version }: Elsewhere): Promise<number> {
  const answer = await fetch(`${address}/api/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBeLessThan(300);
  return answer.status;
}
interface Elsewhere {
  readonly method?: string;
  readonly body?: object;
  readonly version: number;
}

async function type(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Payload' }).click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}

/** The editor of the only record there is, one that is invalid. */
async function openEditor(): Promise<{ page: Page; address: string; id: string }> {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1')]);
  await stage.committed();
  const { page } = await openPage(address);
  await page.goto('/records');
  await page.locator('main [data-row]').first().click();
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: 'Payload' }).waitFor();
  return { page, address, id: page.url().split('/').at(-2) as string };
}

test('an edit of a record that somebody changed meanwhile is refused, keeps its text, and goes through after the record is loaded again', async () => {
  const { page, address, id } = await openEditor();
  await type(page, userEvent('USER000001'));
  await page.getByText('This text fits the schema.').waitFor();
  expect(await elsewhere(address, `/records/${id}`, { method: 'PATCH', body: { status: 'in_review' }, version: 1 })).toBe(200);

  await page.getByRole('button', { name: 'Save edit' }).click();
  await page.getByRole('alert').getByText('The record was changed meanwhile.').waitFor();
  expect(await page.getByRole('textbox', { name: 'Payload' }).textContent()).toContain('USER000001');
  await page.getByRole('button', { name: 'Load it again' }).click();
  await page.getByRole('button', { name: 'Save edit' }).click();
  await page.waitForURL('**?show=edit');
  await page.getByText('mended', { exact: true }).waitFor();
});

test('a record that cannot be loaded again says why, and the edit goes through after it can', async () => {
  const { page, address, id } = await openEditor();
  await type(page, userEvent('USER000001'));
  await elsewhere(address, `/records/${id}`, { method: 'PATCH', body: { status: 'in_review' }, version: 1 });
  await page.getByRole('button', { name: 'Save edit' }).click();
  await page.getByRole('alert').getByText('The record was changed meanwhile.').waitFor();

  const record = new RegExp(`/api/v1/records/${id}$`);
  const away = { type: 'about:blank', title: 'Service Unavailable', status: 503, detail: 'the database is away' };
  await page.route(record, (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(away) }));
  const again = page.getByRole('button', { name: 'Load it again' });
  await again.click();
  await page.getByRole('alert').getByText('the database is away').waitFor();
  expect(await page.getByRole('textbox', { name: 'Payload' }).textContent()).toContain('USER000001');

  await page.unroute(record);
  await again.click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Save edit' }).click();
  await page.waitForURL('**?show=edit');
});

test('an edit of a record that others edit and then discard is refused each time with what became of it, and its text stays', async () => {
  const { page, address, id } = await openEditor();
  await page
    .getByText(/expected a string that matches/)
    .last()
    .waitFor();
  const mine = userEvent('USER000777', '"amount":7.70');
  await type(page, mine);
  await page.getByText('This text fits the schema.').waitFor();
  const save = page.getByRole('button', { name: 'Save edit' });
  const again = page.getByRole('button', { name: 'Load it again' });
  const typed = () => page.getByRole('textbox', { name: 'Payload' }).textContent();

  await elsewhere(address, `/records/${id}/edits`, { body: { value: userEvent('USER000001') }, version: 1 });
  await save.click();
  await page.getByRole('alert').getByText('The record was changed meanwhile.').waitFor();
  await page.getByText('Your text stays in the editor').waitFor();
  expect(await typed()).toContain('USER000777');
  await again.click();
  await page.getByText('local saved an edit of this record meanwhile').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);

  await elsewhere(address, `/records/${id}/discard`, { version: 2 });
  await save.click();
  await again.click();
  await page.getByText('discarded', { exact: true }).waitFor();
  await save.click();
  await page.getByRole('alert').getByText('The record is discarded; only a record that is in quarantine can be edited.').waitFor();
  expect(await typed()).toContain('"amount":7.70');
});

test('a cause that somebody changes while it is resolved keeps the dialog open, with what was typed and what it is now', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1')]);
  await stage.committed();
  const { page } = await openPage(address);
  await page.goto('/causes');
  await page.locator('main [data-row]').first().click();
  await page.waitForURL('**/causes/**');
  const path = new URL(page.url()).pathname.replace('/causes', '/groups');
  let changes = 0;
  // Between the page's asking and the service's answer somebody else is faster.
  await page.route(`**/api/v1${path}`, async (route) => {
    if (route.request().method() === 'PATCH' && (changes += 1) === 1) {
      const version = Number(/\d+/.exec((await route.request().headerValue('if-match')) ?? '')?.[0]);
      await elsewhere(address, path, { method: 'PATCH', body: { state: 'archived' }, version });
    }
    await route.continue();
  });
  await page.getByRole('button', { name: 'Resolve' }).click();
  const dialog = page.getByRole('dialog', { name: 'Resolve this cause' });
  await dialog.getByLabel(/^Mended in schema version/).fill('9.9.9');
  await dialog.getByRole('button', { name: 'Resolve' }).click();
  await dialog.getByRole('alert').getByText('It was changed since you have seen it.').waitFor();
  await dialog.getByText('The cause is archived now.').waitFor();
  expect(await dialog.getByLabel(/^Mended in schema version/).inputValue()).toBe('9.9.9');
  await dialog.getByRole('button', { name: 'Resolve' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('in version 9.9.9').waitFor();
});
