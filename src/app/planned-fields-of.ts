import { readFile } from 'node:fs/promises';
import type { Settings } from '../config/settings.ts';
import { SchemaRegistry } from '../drivers/schema-registry/schema-registry.ts';
import type { ReadDriftOptions } from '../evolve/read-drift.ts';
import { bundleSchema } from '../registry/bundle-schema.ts';
import { plannedFields } from '../registry/planned-fields.ts';
import { listSchemas, parseAt } from '../registry/schema-folder.ts';

/** Finds the fields of a schema version: from the folder as it is now, or from the schema registry; null where neither has it any more. */
export async function plannedFieldsOf({ schemas }: Settings): Promise<ReadDriftOptions['plannedOf']> {
  const { places } = await listSchemas(schemas.dir);
  return async (name, version) => {
    const place = places.find((candidate) => candidate.name === name && candidate.version === version);
    if (place) return plannedFields(parseAt(await readFile(place.path, 'utf8'), place).schema);
    const { url } = schemas.registry;
    if (url === null || !/^\d+$/.test(version)) return null;
    const source = new SchemaRegistry({ ...schemas.registry, url });
    const found = await source.version(name, Number(version));
    return found?.type === 'JSON' ? plannedFields(await bundleSchema(found, source)) : null;
  };
}
