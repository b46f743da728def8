import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { Database } from '../../drivers/postgres/database.ts';
import type { Drift } from '../../evolve/drift-report.ts';
import type { WhatIf } from '../../evolve/what-if.ts';
import type { Clock } from '../../lib/clock.ts';
import { isRetryable } from '../../lib/errors.ts';
import { mayActAs, type Role } from '../../model/access.ts';
import type { Health } from '../../observe/health.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { EditStore } from '../../store/edits.ts';
import { ForeignStore } from '../../store/foreign-store.ts';
import { GroupStore } from '../../store/group-store.ts';
import type { Payloads } from '../../store/payloads.ts';
import { RecordSearch } from '../../store/record-search.ts';
import type { AuthMode } from '../access/guard.ts';
import type { Provider } from '../access/provider.ts';
import type { Sessions } from '../access/sessions.ts';
import type { Tokens } from '../access/tokens.ts';
import type { EffectiveSetting } from '../contract/settings.ts';
import type { GroupWatch } from '../groups/group-watch.ts';
import type { ReplayPlans } from '../replay/plans.ts';
import { addAuditRoutes } from './audit-routes.ts';
import { addDriftRoutes } from './drift-routes.ts';
import { addEditRoutes, type EditRoutesOptions } from './edit-routes.ts';
import { addErasureRoutes } from './erasure-routes.ts';
import { addExportRoutes } from './export-routes.ts';
import { addGroupRoutes } from './group-routes.ts';
import { addLoginRoutes } from './login-routes.ts';
import { Overviews } from './overview.ts';
import { addOverviewRoutes } from './overview-routes.ts';
import { addPage } from './page.ts';
import { addRecordRoutes } from './record-routes.ts';
import { addReplayRoutes } from './replay-routes.ts';
import { actionOf, callerOf } from './review-server.ts';
import { addSchemaRoutes } from './schema-routes.ts';
import { addSessionRoutes } from './session-routes.ts';
import { addSettingsRoutes } from './settings-routes.ts';

export interface ReviewOptions {
  readonly mode: AuthMode;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  /** Null where nobody signs in at one. */
  readonly provider: Provider | null;
  readonly publicUrl: string | null;
  readonly database: Database;
  readonly payloads: Payloads;
  /** Repair and replay. */
  readonly mending: Omit<EditRoutesOptions, 'audit'> & { readonly plans: ReplayPlans };
  /** The built page. */
  readonly pageDir: string;
  readonly schemasDir: string;
  readonly watch: GroupWatch;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  /** How the engine of this process moves and judges messages, null where there is none. */
  readonly engine: { readonly lane: string; readonly engine: string } | null;
  readonly tryCandidate: (name: string, schema: unknown) => Promise<WhatIf>;
  readonly drift: (name: string | null) => Promise<readonly Drift[]>;
  /** What is in force, secrets masked. */
  readonly settings: readonly EffectiveSetting[];
  readonly version: string;
}

/** The API and the page. Nothing is asked of a service before the first request. */
export function createReview(options: ReviewOptions): { register(server: FastifyInstance): Promise<void> } {
  return {
    register: async (server) => {
      await server.register(async (scope) => addReview(scope, options));
    },
  };
}

async function addReview(scope: FastifyInstance, options: ReviewOptions): Promise<void> {
  const { database, payloads, pageDir, version } = options;
  const audit = new AuditLog(database);
  const { watch, clock } = options;
  // What the database has to say of a failure, it says to the question itself.
  const catchUp = () =>
    watch.catchUp().catch((error: unknown) => {
      if (!isRetryable(error)) throw error;
    });
  const search = new RecordSearch({ database, catchUp });
  const groups = new GroupStore(database);
  const closing = new AbortController();
  scope.addHook('preClose', async () => closing.abort());
  scope.setValidatorCompiler(validatorCompiler);
  scope.setSerializerCompiler(serializerCompiler);
  // Behind the rate limit: a refusal is written down.
  scope.addHook('preParsing', roleHook(audit));
  await scope.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'DataQuarantine', version, description: 'Quarantined messages: find, understand, mend, replay.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  const routes = scope.withTypeProvider<ZodTypeProvider>();
  addSessionRoutes(routes, { ...options, audit });
  if (options.provider) addLoginRoutes(routes, { ...options, provider: options.provider, audit });
  addExportRoutes(routes, { search, audit });
  addGroupRoutes(routes, { groups, clock, catchUp });
  addSchemaRoutes(routes, { ...options, groups });
  addDriftRoutes(routes, options);
  addOverviewRoutes(routes, {
    overviews: new Overviews({ ...options, groups }),
    clock,
    revision: () => watch.revision,
    signal: closing.signal,
  });
  addErasureRoutes(routes, { audit });
  addRecordRoutes(routes, { database, payloads, search, audit, edits: new EditStore(database), foreign: new ForeignStore(database) });
  addEditRoutes(routes, { ...options.mending, audit });
  addReplayRoutes(routes, { plans: options.mending.plans, signal: closing.signal });
  addAuditRoutes(routes, { audit });
  addSettingsRoutes(routes, options);
  scope.get('/openapi.json', { config: { open: true }, schema: { hide: true } }, () => scope.swagger());
  await addPage(scope, pageDir);
}

/** Holds every route to the role that it names. What names none may be read by any caller and changed by an admin alone. */
function roleHook(audit: AuditLog): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const { open, role = leastRole(request.method) } = request.routeOptions.config;
    if (open) return;
    const caller = callerOf(request);
    if (mayActAs(caller, role)) return;
    const detail = { route: `${request.method} ${request.routeOptions.url ?? ''}`, needed: role };
    await audit.append(actionOf(caller, { action: 'denied', subject: null, detail }));
    throw new HttpRefusal(403, `This needs the role ${role}; ${caller.name} is ${caller.role}.`);
  };
}

function leastRole(method: string): Role {
  return method === 'GET' || method === 'HEAD' ? 'viewer' : 'admin';
}
