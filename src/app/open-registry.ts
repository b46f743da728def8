import { resolve } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { SchemaRegistry } from '../drivers/schema-registry/schema-registry.ts';
import { packageRoot } from '../lib/package-root.ts';
import type { Log } from '../observe/log.ts';
import { Registry } from '../registry/registry.ts';
import type { WorkerPool } from '../workers/pool.ts';

/** Opens the schemas that the settings name, of the folder and of the schema registry; they are compiled in threads of the pool. */
export function openRegistry({ dir, cacheDir, registry }: Settings['schemas'], pool: WorkerPool, log: Log): Promise<Registry> {
  const { url } = registry;
  return Registry.open({
    dir,
    cacheDir,
    prebuiltDir: resolve(packageRoot, 'generated'),
    remote: url === null ? null : { url, source: new SchemaRegistry({ ...registry, url }) },
    compile: (schema) => pool.compile(schema),
    log,
  });
}
