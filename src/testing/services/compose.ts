import type { OpenService, ServiceName } from './services.ts';

export async function openByCompose<Name extends ServiceName>(_name: Name): Promise<OpenService<Name> | null> {
  return null;
}
