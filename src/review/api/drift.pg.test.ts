import { expect, test } from 'vitest';
import { readDrift } from '../../evolve/read-drift.ts';
import { plannedFields } from '../../registry/planned-fields.ts';
import { DriftStore } from '../../store/drift-store.ts';
import { openReviewStage } from '../../testing/review-stage.ts';

test('drift is told page by page, to those who may see all topics', async () => {
  const planned = plannedFields({ properties: { id: { type: 'string' } } });
  const stage = await openReviewStage({
    drift: (name) => readDrift({ database: stage.database, name, plannedOf: () => planned }),
  });
  const at = new Date('2026-11-02T12:00:00Z');
  const seen = (path: string, type: string, producer: string) => ({ path, type, producer, messages: 3, firstSeen: at, lastSeen: at });
  await new DriftStore(stage.database).add(
    [seen('', 'object', ''), seen('/id', 'integer', ''), seen('/gift', 'string', ''), seen('/gift', 'null', 'shop')].map((field) => ({
      ...field,
      schemaName: 'order',
      schemaVersion: '1.0.0',
    })),
  );
  const first = await stage.call('/api/v1/drift?schema=order&limit=2', { as: 'viewer' });
  const gift = { schema_name: 'order', schema_version: '1.0.0', kind: 'unplanned', path: '/gift', types: ['string'], count: 3 };
  expect(first.body.items).toEqual([
    { ...gift, producer: null, first_seen: at.toISOString(), last_seen: at.toISOString() },
    expect.objectContaining({ kind: 'type', path: '/id', types: ['integer'] }),
  ]);
  const second = await stage.call(`/api/v1/drift?schema=order&limit=2&cursor=${first.body.next_cursor}`, { as: 'viewer' });
  expect(second.body).toMatchObject({ items: [{ path: '/gift', producer: 'shop' }], next_cursor: null });
  expect((await stage.call('/api/v1/drift?schema=none')).body.items).toEqual([]);
  expect((await stage.call('/api/v1/drift?cursor=x')).status).toBe(400);
  expect((await stage.call('/api/v1/drift', { as: 'eu-admin' })).status).toBe(403);
});
