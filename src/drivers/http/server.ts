import type { Socket } from 'node:net';
import fastifyCookie from '@fastify/cookie';
import fastifyRateLimit from '@fastify/rate-limit';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { DataQuarantineError, isRetryable, messageOf } from '../../lib/errors.ts';
import type { Caller, Role } from '../../model/access.ts';
import type { Health } from '../../observe/health.ts';
import type { Log } from '../../observe/log.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Admit } from './admission.ts';
import { HttpRefusal, type ProblemPlace, problem, problemType } from './problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null on routes that are open to all. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Open to all. Whatever does not say so, unknown paths too, needs a caller. */
    readonly open?: true;
    /** The least role that may ask; where it is not said, any caller may read and an admin alone may change. */
    readonly role?: Role;
  }
}

export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** An address of its own for health and metrics, null for none. */
  readonly metricsListen: { readonly host: string; readonly port: number } | null;
  readonly admit: Admit;
  /** Requests of one address in a minute, those that are turned away too; null for any number. Health and metrics are not counted. */
  readonly requestsPerMinute: number | null;
  /** Addresses and CIDR ranges of proxies: of a request that one of them passes on, `x-forwarded-for` says the address. */
  readonly trustedProxies: readonly string[];
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Adds routes of other rooms. They are guarded unless their `config` says `open`. */
  readonly register?: (server: FastifyInstance) => void | Promise<void>;
}

export interface HttpServer {
  /** `http://HOST:PORT`, with the port that was really taken. */
  readonly address: string;
  /** Where health and metrics are served; the same as `address` unless they have their own. */
  readonly metricsAddress: string;
  close(): Promise<void>;
}

const bodyBytesMax = 1_048_576;
const requestTimeoutMs = 30_000;

/** Listens, on one address or two. Fails with `DQ_HTTP_LISTEN` where it cannot. */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port, metricsListen } = options;
  const service = createServer(options);
  addHealth(service, options);
  if (!metricsListen) addMetrics(service, options);
  // What counts requests must be there before the routes are.
  await service.after();
  await options.register?.(service);
  const address = await listen(service, { host, port, keys: 'http.host or http.port' });
  if (!metricsListen) return { address, metricsAddress: address, close: () => service.close() };

  const observation = createServer(options);
  addHealth(observation, options);
  addMetrics(observation, options);
  try {
    const metricsAddress = await listen(observation, { ...metricsListen, keys: 'metrics.host or metrics.port' });
    return { address, metricsAddress, close: async () => void (await Promise.all([service.close(), observation.close()])) };
  } catch (error) {
    await service.close();
    throw error;
  }
}

function createServer(options: HttpOptions): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    trustProxy: [...options.trustedProxies],
    clientErrorHandler: refuseBrokenRequest,
    frameworkErrors: (error, _request, reply) => {
      void sendProblem(reply, error.statusCode ?? 400, error.message);
    },
  });
  server.register(fastifyCookie);
  const { requestsPerMinute: max } = options;
  if (max !== null) server.register(fastifyRateLimit, { max, timeWindow: 60_000 });
  server.decorateRequest('caller', null);
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(securityHeaders);
  });
  // Behind the hooks in which routes count requests, so that guesses are counted, and before a body is read.
  server.addHook('preParsing', async (request, reply) => {
    if (request.routeOptions.config.open) return;
    // An address that is no route's counts nothing by itself, and would tell a good token from a bad one all the same.
    if (request.is404 && max !== null) await server.rateLimit().call(server, request, reply);
    const admission = await options.admit(credentialsOf(request));
    if ('caller' in admission) {
      request.caller = admission.caller;
      return;
    }
    options.log.warn(
      { method: request.method, route: routeOf(request), remote: request.ip, status: admission.status },
      'request turned away',
    );
    if (admission.status === 401) reply.header('www-authenticate', 'Bearer realm="dataquarantine"');
    return sendProblem(reply, admission.status, admission.reason, admission.members);
  });
  server.setNotFoundHandler((request, reply) => sendProblem(reply, 404, `There is no ${request.method} here.`));
  server.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof HttpRefusal) return sendProblem(reply, error.statusCode, error.message, error.members);
    if (error.validation) return sendProblem(reply, 400, 'The request is not as it must be.', { errors: placesOf(error) });
    const status = error.statusCode ?? (isRetryable(error) ? 503 : 500);
    if (status < 500) return sendProblem(reply, status, error.message);
    options.log.error({ err: error, method: request.method, route: routeOf(request) }, 'request failed');
    if (status === 503) return sendProblem(reply, 503, 'A service that is needed for this is away. Try again in a moment.');
    return sendProblem(reply, status, 'The request could not be completed. The log of the service says why.');
  });
  return server;
}

function credentialsOf({ method, headers, cookies }: FastifyRequest): Parameters<Admit>[0] {
  const csrfToken = headers['x-csrf-token'];
  return {
    method,
    host: headers.host,
    authorization: headers.authorization,
    origin: headers.origin,
    cookies,
    csrfToken: typeof csrfToken === 'string' ? csrfToken : undefined,
  };
}

/** Where a malformed request is wrong: `querystring.limit`, `body.patch.0.op`. */
function placesOf({ validation = [], validationContext }: FastifyError): ProblemPlace[] {
  return validation.map(({ instancePath, message }) => ({
    path: [validationContext ?? '', ...instancePath.split('/').slice(1)].filter((part) => part !== '').join('.'),
    message: message ?? 'is not as it must be',
  }));
}

/** A route that shows a page of its own sets its own content security policy. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

/** The pattern of the route, not the address that was asked for: a query may quote payloads. */
function routeOf(request: FastifyRequest): string | null {
  return request.routeOptions.url ?? null;
}

function sendProblem(reply: FastifyReply, status: number, detail: string, members?: object): FastifyReply {
  // As text: a route's schemas say how its answers are written, and this is none of them.
  return reply
    .code(status)
    .type(problemType)
    .serializer((text: unknown) => text as string)
    .send(JSON.stringify(problem(status, detail, members)));
}

/** What comes in is not HTTP, or its headers are too large: there is no request yet, so the answer is written by hand. */
function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const body = problem(status, 'The request cannot be read.');
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 ${status} ${body.title}\r\nconnection: close\r\ncontent-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(text)}`;
  socket.end(`${head}\r\n\r\n${text}`);
}

function addHealth(server: FastifyInstance, { health }: HttpOptions): void {
  server.get('/healthz', { config: { open: true } }, (_request, reply) => {
    const alive = health.isAlive;
    return reply.code(alive ? 200 : 503).send({ status: alive ? 'alive' : 'stuck', loops: health.loops() });
  });
  server.get('/readyz', { config: { open: true } }, (_request, reply) => {
    const ready = health.isReady;
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks: health.checks() });
  });
}

function addMetrics(server: FastifyInstance, { metrics }: HttpOptions): void {
  server.get('/metrics', { config: { open: true } }, async (_request, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}

async function listen(server: FastifyInstance, on: { host: string; port: number; keys: string }): Promise<string> {
  const { host, port, keys } = on;
  try {
    return await server.listen({ host, port });
  } catch (error) {
    await server.close();
    const reason = listenFailures[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
    throw new DataQuarantineError('DQ_HTTP_LISTEN', `cannot listen on ${host}:${port}: ${reason}. Change ${keys}.`, { cause: error });
  }
}

const listenFailures: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not take that port; ports below 1024 need a right of their own',
  EADDRNOTAVAIL: 'the address does not belong to this machine',
  ENOTFOUND: 'the name is not known',
};
