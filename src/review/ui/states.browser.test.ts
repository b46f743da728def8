import { expect, test } from 'vitest';
import { openPage, patient } from '../../testing/browser.ts';
import { openStage } from '../../testing/engine.ts';
import { sendMessages, userEvent } from '../../testing/send-messages.ts';

/** Asks the service as its interface describes. */
async function ask<T>(address: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(`${address}/api/v1${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', 'if-match': '"1"' },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(answer.status).toBeLessThan(300);
  return (await answer.json()) as T;
}

/** The ids of all records, in the order of the messages. */
async function idsOf(address: string): Promise<string[]> {
  const { items } = await ask<{ items: { id: string; offset: string }[] }>(address, '/records');
  return items.toSorted((one, other) => Number(one.offset) - Number(other.offset)).map(({ id }) => id);
}

test('a record says where its payload is: whole, still in its source, or lost, and what is lost offers no way that leads nowhere', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(
    stage,
    [1, 2, 3, 4].map((user) => userEvent(`user-${user}`)),
  );
  await stage.committed();
  const [whole, left, gone, unreadable] = (await idsOf(address)) as [string, string, string, string];
  const lay = (id: string, path: string) =>
    stage.database.withClient((client) => client.query('UPDATE quarantine_records SET storage_path = $2 WHERE id = $1', [id, path]));
  await lay(left, `kafka:${stage.source}/0/1`);
  await lay(gone, `kafka:${stage.source}/0/77`);
  await lay(unreadable, `${stage.source}/none.seg#100+3`);
  const { page } = await openPage(address);
  const payload = page.getByRole('region', { name: 'Payload', exact: true });
  const facts = page.getByRole('region', { name: 'Facts' });
  await page.goto('/records');
  await page.locator('main [data-row]').nth(3).waitFor();
  expect(await page.getByText('payload in its source').count()).toBe(2);

  await page.goto(`/records/${whole}`);
  await facts.getByText('whole', { exact: true }).waitFor();
  await page.goto(`/records/${left}`);
  await payload.getByText('it can be read, edited and replayed until retention takes it from there').waitFor();
  await expect.poll(() => page.getByLabel('Payload as text').textContent(), patient).toContain('user-2');
  await facts.getByText('in its source', { exact: true }).waitFor();

  for (const [id, reason] of [
    [gone, 'which holds it no longer'],
    [unreadable, 'The object store lost this payload'],
  ] as const) {
    await page.goto(`/records/${id}`);
    await payload.getByText(reason).waitFor();
    await facts.getByText('lost', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Discard' }).waitFor();
    expect(await page.getByRole('link', { name: /^(Edit|Replay)$/ }).count()).toBe(0);
    await page.goto(`/records/${id}/edit`);
    await payload.getByText(reason).waitFor();
  }
});

test('a plan that has to wait for another names it and leads there, also after a reload, and says when its turn has come', async () => {
  const stage = await openStage();
  const { address } = await stage.start();
  await sendMessages(
    stage,
    [1, 2, 3].map((user) => ({ key: 'k', value: userEvent(`user-${user}`) })),
  );
  await stage.committed();
  const ids = await idsOf(address);
  for (const id of ids) await ask(address, `/records/${id}/edits`, { value: userEvent('USER000001') });
  const plan = async (chosen: string[], note: string) =>
    (await ask<{ id: string }>(address, '/replays', { ids: chosen, note, rate: 0.01 })).id;
  const first = await plan(ids.slice(0, 2), 'Monday’s orders');
  const second = await plan(ids.slice(2), 'Tuesday’s orders');
  await ask(address, `/replays/${first}/start`, {});
  const { page } = await openPage(address);
  await page.goto(`/replays/${second}`);
  await page.getByRole('button', { name: 'Publish 1' }).click();
  const waits = page.getByText('Waits for Monday’s orders, which is running');
  await waits.waitFor();
  await page.reload();
  await waits.waitFor();
  expect(await page.getByRole('link', { name: 'Monday’s orders' }).getAttribute('href')).toBe(`/replays/${first}`);

  await ask(address, `/replays/${first}/pause`, {});
  await page.getByText('Resume that one, or cancel it').waitFor();
  await ask(address, `/replays/${first}/cancel`, {});
  await page.getByText('Monday’s orders has ended: this plan can be started now.').waitFor();
  await page.getByRole('button', { name: 'Publish 1' }).click();
  await page.getByText('done', { exact: true }).waitFor();
  expect(await page.getByText('Monday’s orders').count()).toBe(0);
});
