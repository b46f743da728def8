import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openPage } from '../../testing/browser.ts';
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
  while ((await overviewsOf()) < overviews || (await listsOf(page)) < lists) await new Promise((resolve) => setTimeout(resolve, 100));
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
  await causes?.getByRole('button', { name: /^Show \d+ new causes$/ }).click();
  await expect.poll(() => rows?.count()).toBeGreaterThan(2);

  // What does move is seen.
  await overview?.evaluate("document.querySelector('main').style.marginTop = '300px'");
  await expect.poll(() => overview && movedOf(overview)).toBeGreaterThan(0.1);
});
