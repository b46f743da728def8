import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import semver from 'semver';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import { parseSchemaFile, type SchemaFile, schemaNamePattern } from './schema-file.ts';

/** A file that stands where a schema version belongs: `<folder>/<name>/<version>.yaml`. */
export interface SchemaPlace {
  readonly path: string;
  readonly name: string;
  readonly version: string;
}

/** A schema folder as it lies on disk: the files, and the folders to watch for changes. */
export interface SchemaListing {
  readonly places: readonly SchemaPlace[];
  readonly folders: readonly string[];
}

/** Lists a schema folder, names in order and versions oldest first. Throws `DQ_SCHEMA_FILE_INVALID` if it cannot be read. */
export async function listSchemas(folder: string): Promise<SchemaListing> {
  const places: SchemaPlace[] = [];
  const folders = [folder];
  for (const name of await namesIn(folder)) {
    if (!schemaNamePattern.test(name)) continue;
    const inner = join(folder, name);
    const files = await readdir(inner).catch(() => null);
    if (files === null) continue;
    folders.push(inner);
    for (const file of files) {
      if (file.endsWith('.yaml')) places.push({ path: join(inner, file), name, version: file.slice(0, -'.yaml'.length) });
    }
  }
  places.sort((a, b) => (a.name === b.name ? compareVersions(a.version, b.version) : a.name < b.name ? -1 : 1));
  return { places, folders };
}

/** Reads a schema file as what its place says that it is. */
export function parseAt(text: string, { path, name, version }: SchemaPlace): SchemaFile {
  const file = parseSchemaFile(text, path);
  const differs = file.name !== name ? `name "${file.name}"` : file.version !== version ? `version "${file.version}"` : null;
  if (differs === null) return file;
  const message = `${path}:1:1: the file says ${differs}, but its place says ${name} ${version}: a version lies in <name>/<version>.yaml`;
  throw new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', message);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', `the schema folder ${folder} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function compareVersions(a: string, b: string): number {
  if (semver.valid(a) !== null && semver.valid(b) !== null) return semver.compareBuild(a, b);
  return a < b ? -1 : 1;
}
