import { readFile } from 'node:fs/promises';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { SchemaFile } from '../../registry/schema-file.ts';
import { listSchemas, parseAt, type SchemaPlace } from '../../registry/schema-folder.ts';

/** A version as its file has it. A file that cannot be read is none: the log and `dq schemas check` say why. */
export interface ReadVersion {
  readonly place: SchemaPlace;
  readonly text: string;
  readonly file: SchemaFile;
}

/** All versions, or those of one schema; the name is looked for among what is there, never made into a path. */
export async function readVersions(dir: string, name: string | null): Promise<ReadVersion[]> {
  const { places } = await listSchemas(dir);
  const wanted = places.filter((place) => name === null || place.name === name);
  const read = await Promise.all(
    wanted.map(async (place) => {
      const text = await readFile(place.path, 'utf8').catch(() => null);
      const file = text === null ? null : parsed(text, place);
      return text !== null && file ? [{ place, text, file }] : [];
    }),
  );
  return read.flat();
}

function parsed(text: string, place: SchemaPlace): SchemaFile | null {
  try {
    return parseAt(text, place);
  } catch (error) {
    if (error instanceof DataQuarantineError) return null;
    throw error;
  }
}
