import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openPage } from '../../testing/browser.ts';
import { openStage } from '../../testing/engine.ts';
import { sendMessages, userEvent } from '../../testing/send-messages.ts';

const script = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>{{constructor.constructor("window.ran=1")()}}';
const reversed = 'invoice\u202Egpj.exe';
const shownReversed = 'invoice⟨U+202E⟩gpj.exe';
const formula = '=HYPERLINK("http://evil.example")';

/** Opens every record that is on the page, in every view; what was shown there. */
async function lookAtRecords(page: Page): Promise<string[]> {
  const shown: string[] = [];
  const rows = await page.locator('main [data-row]').all();
  const hrefs = await Promise.all(rows.map(async (row) => (await row.getAttribute('href')) ?? ''));
  expect(hrefs).toHaveLength(4);
  for (const href of hrefs) {
    await page.goto(href);
    const payload = page.getByRole('region', { name: 'Payload', exact: true });
    await payload.getByRole('tab').first().waitFor();
    for (const tab of await payload.getByRole('tab').all()) {
      await tab.click();
      shown.push((await page.locator('main').textContent()) ?? '');
    }
    await page.goto(`${href}/edit`);
    await page.getByRole('heading', { name: 'Edit' }).waitFor();
  }
  return shown;
}

test('hostile keys, headers and values stay text in every list, on every view of a record, in the preview of a repair and in CSV', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  const huge = `{"_schema":"user_event","_schema_version":"1.0.0","pad":"${'<b>'.repeat(300_000)}"}`;
  await sendMessages(stage, [
    {
      value: userEvent('user-1', `"event_id":${JSON.stringify(script)}`),
      key: script,
      headers: [{ name: script, value: Buffer.from(reversed) }],
    },
    { value: userEvent('USER000001', `"event_id":"${reversed}","<b onclick=window.ran=1>${reversed}":1`), key: formula },
    Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0xff, 0xfe, 0x00, 0x7d]),
    huge,
  ]);
  await stage.committed();
  const { page, complaints } = await openPage(address);
  const shown: string[] = [];
  const look = async (path: string) => {
    await page.goto(path);
    await page.locator('main [data-row]').first().waitFor();
    shown.push((await page.locator('main').textContent()) ?? '');
  };
  await look('/records');
  await page.locator('main [data-row]').nth(3).waitFor();
  shown.push(...(await lookAtRecords(page)));
  for (const list of ['/', '/causes', '/drift', '/audit']) await look(list);

  await page.goto('/causes?q=event_id');
  await page.getByRole('link', { name: /^event_id/ }).click();
  await page.getByRole('region', { name: 'Records of this cause' }).locator('[data-row]').first().waitFor();
  shown.push((await page.locator('main').textContent()) ?? '');
  await page.getByRole('link', { name: 'Repair all' }).click();
  const change = page.getByRole('textbox', { name: 'Change' });
  await change.click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText('[{"op":"replace","path":"/user_id","value":"USER000009"}]');
  await page.getByRole('button', { name: 'Try on all records' }).click();
  const examples = page.getByRole('region', { name: 'Preview' });
  await examples.locator('li').first().waitFor();
  shown.push((await page.locator('main').textContent()) ?? '');

  const all = shown.join('\n');
  expect(all).toContain('<script>window.ran=1</script>');
  expect(all).toContain(shownReversed);
  expect(all).toContain('This payload is not UTF-8');
  expect(all).toContain('Only the first 256 KiB are shown.');
  expect(all).not.toContain('\u202E');
  expect(await page.evaluate('window.ran')).toBeUndefined();
  expect(complaints).toEqual([]);

  const table = await page.evaluate<{ type: string; disposition: string; text: string }>(
    "fetch('/api/v1/records.csv').then(async (a) => ({ type: a.headers.get('content-type'), disposition: a.headers.get('content-disposition'), text: await a.text() }))",
  );
  expect(table).toMatchObject({ type: expect.stringContaining('text/csv'), disposition: expect.stringContaining('attachment') });
  expect(table.text.split(/\r\n|,/).filter((cell) => /^"?[=+\-@]/.test(cell) && !/^"?-?\d/.test(cell))).toEqual([]);
});
