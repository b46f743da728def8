import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { WhatIf } from '../../evolve/what-if.ts';
import { hasCode } from '../../lib/errors.ts';
import type { GroupStore } from '../../store/group-store.ts';
import { compareApart } from '../../workers/compare-apart.ts';
import {
  compatibilityReport,
  schemaCandidate,
  schemaName,
  schemaPage,
  schemaVersionPage,
  type WhatIfReport,
  whatIfReport,
} from '../contract/schemas.ts';
import { type ReadVersion, readVersions } from './read-versions.ts';
import { callerOf, notFound, type ReviewServer, refusals } from './review-server.ts';

export interface SchemaRoutesOptions {
  readonly schemasDir: string;
  readonly groups: GroupStore;
  /** Tries a candidate on what is there. */
  readonly tryCandidate: (name: string, schema: unknown) => Promise<WhatIf>;
}

/** Each trial has threads of its own, beside those that judge messages, and both may be many seconds' work. */
const trialsMax = 2;

/** Schemas, their versions, and what a new one would mean. */
export function addSchemaRoutes(server: ReviewServer, options: SchemaRoutesOptions): void {
  addReading(server, options);
  addTrying(server, options);
}

function addReading(server: ReviewServer, { schemasDir, groups }: SchemaRoutesOptions): void {
  server.get('/api/v1/schemas', { schema: { summary: 'Schemas', response: { 200: schemaPage, ...refusals } } }, async (request) => {
    const { topicPrefixes } = callerOf(request);
    const [versions, open] = await Promise.all([readVersions(schemasDir, null), groups.openBySchema(topicPrefixes)]);
    const names = [...new Set(versions.map(({ place }) => place.name))];
    const items = names.map((name) => {
      const own = versions.filter(({ place }) => place.name === name);
      const newest = own.at(-1) as ReadVersion;
      const { owner, description } = newest.file;
      return { name, newest: newest.place.version, versions: own.length, owner, description, open_records: open.get(name) ?? 0 };
    });
    return { items, next_cursor: null };
  });
  server.get(
    '/api/v1/schemas/:name/versions',
    {
      schema: { summary: 'The versions of a schema, oldest first', params: schemaName, response: { 200: schemaVersionPage, ...refusals } },
    },
    async (request) => {
      const versions = await readVersions(schemasDir, request.params.name);
      if (versions.length === 0) throw notFound('schema');
      const items = versions.map(({ place, text, file }) => ({
        version: place.version,
        source: text,
        schema: file.schema,
        rules: file.rules,
        remediation: file.remediation,
      }));
      return { items, next_cursor: null };
    },
  );
}

function addTrying(server: ReviewServer, { schemasDir, tryCandidate }: SchemaRoutesOptions): void {
  const asked = asker();
  server.post(
    '/api/v1/schemas/:name/check',
    {
      config: { role: 'reviewer' },
      schema: {
        summary: 'Compare a candidate with the newest version',
        params: schemaName,
        body: schemaCandidate,
        response: { 200: compatibilityReport, ...refusals },
      },
    },
    async ({ params, body }) => {
      const newest = (await readVersions(schemasDir, params.name)).at(-1);
      // Without an older version, any schema that compiles is compatible; compared with itself, it is at least compiled.
      const older = newest?.file.schema ?? body.schema;
      const { compatible, mode, findings } = await asked(() => compareApart({ older, newer: body.schema, mode: body.mode }));
      return { against: newest?.place.version ?? null, compatible, mode, findings: [...findings] };
    },
  );
  server.post(
    '/api/v1/schemas/:name/whatif',
    {
      config: { role: 'reviewer' },
      schema: {
        summary: 'Try a candidate on what is in quarantine and on recent valid traffic',
        params: schemaName,
        body: schemaCandidate.pick({ schema: true }),
        response: { 200: whatIfReport, ...refusals },
      },
    },
    async (request) => {
      const { params, body } = request;
      if (callerOf(request).topicPrefixes.length > 0)
        throw new HttpRefusal(403, 'A trial looks at all topics; this caller is held to some.');
      return reportOf(await asked(() => tryCandidate(params.name, body.schema)));
    },
  );
}

function reportOf({ quarantine, valid }: WhatIf): WhatIfReport {
  const examples = [...valid.causes, ...quarantine.causes].map(({ example, error_message, masked }) => ({
    where: example,
    message: error_message,
    masked,
  }));
  return {
    quarantined: { tried: quarantine.accepted + quarantine.refused, released: quarantine.accepted, still_refused: quarantine.refused },
    valid: { tried: valid.accepted + valid.refused, kept: valid.accepted, newly_refused: valid.refused },
    examples,
  };
}

/** Runs a few trials at once and refuses more. A candidate that is no schema is the caller's fault, not ours. */
function asker(): <T>(work: () => Promise<T>) => Promise<T> {
  let open = 0;
  return async (work) => {
    if (open >= trialsMax) throw new HttpRefusal(429, `${trialsMax} candidates are being tried already. Try again in a moment.`);
    open += 1;
    try {
      return await work();
    } catch (error) {
      if (hasCode(error, 'DQ_SCHEMA_INVALID')) throw new HttpRefusal(422, error.message);
      throw error;
    } finally {
      open -= 1;
    }
  };
}
