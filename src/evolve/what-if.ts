import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Wire } from '../drivers/kafka-wire/wire.ts';
import type { Database } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import type { CatalogReference } from '../registry/catalog.ts';
import { schemaDigest, schemaInvalid } from '../registry/compiler.ts';
import { ModuleStore } from '../registry/module-store.ts';
import type { Remediation } from '../registry/remediation.ts';
import type { Rule } from '../registry/rules.ts';
import { WorkerPool } from '../workers/pool.ts';
import { readOpenRecords } from './open-records.ts';
import { Trial, type TrialResult } from './trial.ts';

export interface WhatIfOptions {
  readonly name: string;
  readonly schema: unknown;
  /** Checks across fields that come with the schema. */
  readonly rules: readonly Rule[];
  readonly remediation: Remediation | null;
  /** `FILE:LINE:COLUMN` of a place in the schema. */
  readonly placeOf: (pointer: string | null) => string;
  readonly database: Database;
  readonly storage: ObjectStore;
  readonly wire: Wire;
  readonly validTopic: string;
  /** Is it the default of a source topic? Then messages that name no schema count as its own. */
  readonly isDefault: boolean;
  /** Ids of the schema registry under which the versions before it are known. */
  readonly ids: readonly number[] | null;
  /** The most records of quarantine, and the most of recent valid traffic. */
  readonly recordsMax: number;
  /** It judges in as many threads of its own: the code of a candidate stays in a thread for as long as that lives. */
  readonly threads: number;
}

/** What would change if the candidate were the schema. */
export interface WhatIf {
  /** Open in quarantine: those accepted would be released, those refused stay. */
  readonly quarantine: TrialResult & { readonly unreadable: number };
  /** From the end of the valid topic: those refused would be quarantined from now on. */
  readonly valid: TrialResult;
}

/** The version that a candidate has in its own small catalog; every message is made to name it. */
const version = '0.0.0-candidate';
const text = (name: string, value: string) => ({ name, value: Buffer.from(value) });

/**
 * Tries a schema on what is there: on the open records of quarantine of that schema and on the tail of the valid topic. Whatever version
 * a message names, the candidate judges it; the service, its schemas and its records stay as they are.
 */
export async function whatIf(options: WhatIfOptions): Promise<WhatIf> {
  const dir = await mkdtemp(join(tmpdir(), 'dq-what-if-'));
  const pool = await WorkerPool.open({ threads: options.threads });
  try {
    const catalog = await catalogOf(options, pool, dir);
    // What the one waits for on its way from the stores, the other judges in.
    const [quarantine, valid] = await Promise.all([tryQuarantine(options, pool, catalog), tryTail(options, pool, catalog)]);
    return { quarantine, valid };
  } finally {
    await pool.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** A catalog of the candidate alone, in a folder of its own. */
async function catalogOf(options: WhatIfOptions, pool: WorkerPool, dir: string): Promise<CatalogReference> {
  const { name, schema, rules, remediation, placeOf, ids } = options;
  const store = await ModuleStore.open(dir, null);
  const digest = schemaDigest(schema);
  const compilation = await pool.compile(schema);
  if ('problem' in compilation) throw schemaInvalid(compilation.problem, placeOf(compilation.problem.pointer));
  const generated = await store.keep(digest, compilation);
  const entries = [
    { name, version, ...generated, digest, key: null, ...(rules.length > 0 && { rules }), ...(remediation?.enabled && { remediation }) },
  ];
  const known = ids?.map((id): [number, number] => [id, 0]);
  return store.keepManifest({ revision: 1, entries, withdrawn: [], ...(known && { ids: known }) });
}

async function tryQuarantine(options: WhatIfOptions, pool: WorkerPool, catalog: CatalogReference): Promise<WhatIf['quarantine']> {
  const { name, schema, recordsMax } = options;
  const trial = new Trial({ pool, catalog, defaultName: name, schema });
  const mine = [text('dq.schema', name), text('dq.schema.version', version)];
  const unreadable = await readOpenRecords(options, { schema: name, recordsMax }, ({ id, value }) => trial.add(value, mine, id));
  return { ...(await trial.close()), unreadable };
}

async function tryTail(options: WhatIfOptions, pool: WorkerPool, catalog: CatalogReference): Promise<TrialResult> {
  const { name, schema, isDefault } = options;
  const trial = new Trial({ pool, catalog, defaultName: isDefault ? name : null, schema });
  await addTail(options, trial);
  return trial.close();
}

/** The newest records of the valid topic, an equal share of each partition. */
async function addTail({ wire, validTopic, recordsMax }: WhatIfOptions, trial: Trial): Promise<void> {
  const [starts, ends] = [await wire.starts(validTopic), await wire.ends(validTopic)];
  const share = Math.ceil(recordsMax / ends.length);
  await Promise.all(
    ends.map((to, partition) => {
      const from = Math.max(starts[partition] ?? 0, to - share);
      return wire.read({ topic: validTopic, partition, from, to }, async (records) => {
        for (const { value, headers, offset } of records)
          if (value !== null)
            await trial.add(value, [...headers, text('dq.schema.version', version)], `${validTopic}/${partition}/${offset}`);
      });
    }),
  );
}
