import type { Header } from '../model/header.ts';
import type { Stage } from './engine.ts';
import { encodeBatch, produceRaw } from './raw-records.ts';
import { requireSuffix } from './require-suffix.ts';

requireSuffix('send-messages.ts', ['e2e', 'browser']);

/** A message to send; left out, its key is `customer-N` and it has no headers. */
export interface Sent {
  readonly value: string | Buffer;
  readonly key?: string;
  readonly headers?: readonly Header[];
}

/** Puts messages into the first partition of the source, one after another. */
export async function sendMessages(stage: Stage, messages: readonly (string | Buffer | Sent)[]): Promise<void> {
  for (const [at, message] of messages.entries()) {
    const { value, key, headers = [] }: Sent = typeof message === 'string' || Buffer.isBuffer(message) ? { value: message } : message;
    const record = {
      key: Buffer.from(key ?? `customer-${at}`),
      value: Buffer.from(value),
      headers: [...headers],
      timestamp: 1_767_225_600_000 + at,
    };
    await produceRaw({ broker: stage.env['DQ_KAFKA_BROKERS'] as string, topic: stage.source, partition: 0, batch: encodeBatch([record]) });
  }
}

/** A user_event as text; `rest` is further members. Valid where `user` is `USER` and six digits. */
export function userEvent(user: string, rest = '"amount":1'): string {
  return `{"_schema":"user_event","_schema_version":"1.0.0","user_id":"${user}","event_type":"click","timestamp":"2026-01-01T00:00:00Z",${rest}}`;
}

/** An order_event whose only fault is that its quantity is a text. */
export function orderWithTextQuantity(order: number): string {
  const id = `${String(order).padStart(8, '0')}-9d4a-4c7b-8e2f-1a2b3c4d5e6f`;
  return (
    `{"_schema":"order_event","order_id":"${id}","customer_id":"c-${order}","status":"placed","created_at":"2026-01-01T00:00:00Z",` +
    '"total":{"amount":10.50,"currency":"EUR"},"items":[{"sku":"ABC-123","quantity":"2","price":{"amount":9.99,"currency":"EUR"}}]}'
  );
}
