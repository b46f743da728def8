import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openPage, patient } from '../../testing/browser.ts';
import { openStage } from '../../testing/engine.ts';
import { sendMessages, userEvent } from '../../testing/send-messages.ts';

/** Runs in the page before anything else: sums what moved without anybody's doing, and counts what came from the service. */
const watch = `
  window.moved = 0;
  window.overviews = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  window.EventSource = class extends EventSource {
    constructor(...given) {
      super(...given);
      this.addEventListener('overview', () => (window.overviews += 1));
    }
  };
  window.listsOfCauses = () => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/v1/groups?')).length;
`;
const movedOf = (page: Page) => page.evaluate<number>('window.moved');
const listsOf = (page: Page) => page.evaluate<number>('window.listsOfCauses()');

/** Waits until the page has taken two more overviews, and asked for its causes once more. */
async function takesLive(page: Page): Promise<void> {
  const overviewsOf = () => page.evaluate<number>('window.overviews');
  const overviews = (await overviewsOf()) + 2;
  const lists = (await listsOf(page)) + 1;
  await expect.poll(overviewsOf, patient).toBeGreaterThanOrEqual(overviews);
  await expect.poll(() => listsOf(page), patient).toBeGreaterThanOrEqual(lists);
}

const rounds = 3;
/** More of what failed before, and two causes that nobody has seen yet. */
const failing = (round: number) => [
  ...Array.from({ length: 10 }, () => userEvent('user-1')),
  userEvent('USER000001', `"amount":"${round}","field_${round}":1`),
  userEvent('USER000001').replace('"_schema":"user_event"', `"_schema":"unknown_${round}"`),
  userEvent('USER000001').replace('"_schema_version":"1.0.0"', `"_schema_version":"${round + 7}.0.0"`),
  userEvent('USER000002'),
];

test('nothing moves in the overview and in the list of causes while live data comes in, at either width', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [userEvent('user-1'), '{"_schema":"user_event",']);
  await stage.committed();
  const looks = ['/', '/causes'].flatMap((view) => [1280, 390].map((width) => ({ view, width })));
  const watched: { name: string; page: Page }[] = [];
  for (const { view, width } of looks) {
    const { page } = await openPage(address, { width });
    await page.addInitScript(watch);
    await page.goto(view);
    await page.locator('main [data-row]').nth(1).waitFor();
    watched.push({ name: `${view} at ${width} px`, page });
  }
  for (let round = 0; round < rounds; round += 1) {
    const taken = watched.map(({ page }) => takesLive(page));
    await sendMessages(stage, failing(round));
    await Promise.all(taken);
  }
  const moved = await Promise.all(watched.map(async ({ name, page }) => ({ name, moved: await movedOf(page) })));
  expect(moved.filter((one) => one.moved >= 0.1)).toEqual([]);

  const [overview, , causes] = watched.map(({ page }) => page);
  expect(await overview?.locator('main [data-row]').count()).toBe(5);
  const rows = causes?.locator('main [data-row]');
  expect(await rows?.count()).toBe(2);
  await causes?.getByRole('button', { name: /^Show \d+ causes that came up$/ }).click();
  await expect.poll(() => rows?.count(), patient).toBeGreaterThan(2);

  // What does move is seen.
  await overview?.evaluate("document.querySelector('main').style.marginTop = '300px'");
  await expect.poll(() => overview && movedOf(overview), patient).toBeGreaterThan(0.1);
});

test('causes of a further page follow in their places, and one that leaves the list is told of', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(stage, [...Array.from({ length: 5 }, () => userEvent('user-1')), '{"_schema":"user_event",', '{"no":"schema"}']);
  await stage.committed();
  const { page } = await openPage(address);
  // A first page of one row, so that the others come with further pages.
  await page.route(
    ({ pathname, searchParams }) => pathname === '/api/v1/groups' && !searchParams.has('limit'),
    (route) => route.continue({ url: `${route.request().url()}&limit=1` }),
  );
  await page.goto('/causes?state=open');
  const rows = page.locator('main [data-row]');
  const more = page.getByRole('button', { name: 'Load more' });
  await rows.first().waitFor();
  for (const shown of [2, 3]) {
    await more.click();
    await expect.poll(() => rows.count(), patient).toBe(shown);
  }
  const causes = await Promise.all((await rows.all()).map((row) => row.getAttribute('data-row')));
  const broken = page.locator('main li', { has: page.getByRole('link', { name: /^Expected JSON/ }) });
  expect(await broken.locator('strong').textContent()).toBe('1');

  await sendMessages(
    stage,
    Array.from({ length: 9 }, () => '{"_schema":"user_event",'),
  );
  await expect.poll(() => broken.locator('strong').textContent(), patient).toBe('10');
  expect(await Promise.all((await rows.all()).map((row) => row.getAttribute('data-row')))).toEqual(causes);

  const group = `${address}/api/v1/groups/${encodeURIComponent(causes[0] as string)}`;
  const etag = (await fetch(group)).headers.get('etag') as string;
  const headers = { 'content-type': 'application/json', 'if-match': etag };
  expect((await fetch(group, { method: 'PATCH', headers, body: '{"state":"archived"}' })).status).toBe(200);
  await sendMessages(stage, ['{"_schema":"user_event",']);
  await page.getByRole('button', { name: 'Refresh: 1 cause is no longer among these' }).waitFor({ timeout: patient.timeout });
});
