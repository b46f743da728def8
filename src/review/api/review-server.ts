import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import { assert } from '../../lib/assert.ts';
import type { Caller } from '../../model/access.ts';
import type { AuditAction } from '../../store/audit-log.ts';
import { problem } from '../contract/page.ts';

/** The server as the routes of the review see it: what they take and answer is checked by the shapes of the contract. */
export type ReviewServer = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

/** Refusals as the interface describes them, beside the answers of a route. */
export const refusals = { '4xx': problem.describe('Turned away: application/problem+json (RFC 9457).') } as const;

/** Who asks. Only routes that are open to all have nobody, and they do not ask. */
export function callerOf(request: FastifyRequest): Caller {
  assert(request.caller !== null, 'a route that is not open was reached without a caller');
  return request.caller;
}

/** An entry of the audit log in the caller's name. */
export function actionOf(caller: Caller, action: Omit<AuditAction, 'by' | 'role'>): AuditAction {
  return { by: caller.name, role: caller.role, ...action };
}

/** The version that `If-Match` names, as a plain number or an ETag. 428 if there is none; 0, which no row has, for anything else. */
export function expectedVersion(request: FastifyRequest): number {
  const given = request.headers['if-match'];
  if (given === undefined) throw new HttpRefusal(428, 'Send If-Match with the version that you have seen.');
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(given.trim())?.[1];
  return Number(version ?? 0);
}

export function etagOf(version: number): string {
  return `"${version}"`;
}

export function notFound(what: string): HttpRefusal {
  return new HttpRefusal(404, `There is no such ${what}, or not among your topics.`);
}

export function stale(): HttpRefusal {
  return new HttpRefusal(412, 'It was changed since you have seen it. Read it again, then decide.');
}
