import type { Settings } from '../../config/settings.ts';
import { SchemaRegistry } from '../../drivers/schema-registry/schema-registry.ts';
import { type Check, examine, ok } from './check.ts';

/** The schema registry, where one is used: does it answer, and may we read it? */
export async function checkSchemaRegistry({ schemas: { registry } }: Settings): Promise<Check[]> {
  const { url } = registry;
  if (url === null) return [];
  return examine('schema registry', async () => {
    const subjects = await new SchemaRegistry({ ...registry, url }).subjects();
    return [ok('schema registry', `answers with ${subjects.length} subjects`)];
  });
}
