import { afterAll, beforeAll } from 'vitest';
import type { SchemaLink } from '../model/registered-schema.ts';
import { requireSuffix } from './require-suffix.ts';
import { openSchemaRegistry, type SchemaRegistryServer } from './services/schema-registry-server.ts';

requireSuffix('schema-registry.ts', ['registry', 'e2e']);

let opened: SchemaRegistryServer | null = null;

beforeAll(async () => {
  opened = await openSchemaRegistry();
});
afterAll(() => opened?.server.close());

/** Where the registry of this test file answers. */
export function registryUrl(): string {
  if (opened === null) throw new Error('the schema registry was not started');
  return opened.url;
}

/** Registers the next version of a subject and returns its id. Without `$schema` the server does not see that it is JSON Schema. */
export async function register(subject: string, schema: object, references: readonly SchemaLink[] = []): Promise<number> {
  const text = JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...schema });
  const { id } = await send('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schemaType: 'JSON', schema: text, references });
  return id as number;
}

export async function removeSubject(subject: string): Promise<void> {
  await send('DELETE', `/subjects/${encodeURIComponent(subject)}`);
}

/** A value with the frame of that id before it. */
export function framed(id: number, value: unknown): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))]);
}

async function send(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const response = await fetch(`${registryUrl()}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`the schema registry answered ${method} ${path} with ${response.status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}
