import { expect, test } from 'vitest';
import { uuid5, uuidBytes } from './uuid5.ts';

const dnsNamespace = uuidBytes('6ba7b810-9dad-11d1-80b4-00c04fd430c8');

test('the example of RFC 9562 comes out', () => {
  expect(uuid5(dnsNamespace, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

test('a name is hashed as UTF-8', () => {
  // The expected value is what Python says: uuid.uuid5(uuid.NAMESPACE_DNS, "größe.example").
  expect(uuid5(dnsNamespace, 'größe.example')).toBe('86dfc633-9191-5471-baa4-0b4f65f54b37');
});
