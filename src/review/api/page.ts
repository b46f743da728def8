import { existsSync } from 'node:fs';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/**
 * Scripts and styles come from this server alone, and nothing is ever evaluated from text. The editor adds style sheets as it goes,
 * which `style-src` must allow; they can change how the page looks, and cannot run.
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The page: files of `dir` under their names, and `index.html` for every other address, since the page reads its place from there.
 * It is open to all; what it shows it asks of the API. Without a build there is a line in its place.
 */
export async function addPage(server: FastifyInstance, dir: string): Promise<void> {
  server.all('/api/*', { config: { role: 'viewer' }, schema: { hide: true } }, (_request, reply) => reply.callNotFound());
  if (!existsSync(dir)) {
    server.get('/', { config: { open: true }, schema: { hide: true } }, (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send('The review page is not built here. The API is described at /openapi.json.\n'),
    );
    return;
  }
  await server.register(fastifyStatic, { root: dir, serve: false, cacheControl: false });
  server.get<{ Params: { '*': string } }>('/*', { config: { open: true }, schema: { hide: true } }, (request, reply) => {
    const path = request.params['*'];
    reply.header('content-security-policy', pagePolicy);
    // What the build puts there has the hash of its content in its name.
    if (path.startsWith('assets/')) return reply.header('cache-control', 'public, max-age=31536000, immutable').sendFile(path);
    return reply.sendFile(/^[\w.-]+\.(svg|png|ico|webmanifest|txt)$/.test(path) ? path : 'index.html');
  });
}
