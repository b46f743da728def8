import { existsSync } from 'node:fs';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/**
 * Scripts and styles come from this server alone, nothing is inline, and nothing is ever evaluated from text: the editor adopts its style
 * sheets. Markup is made of strings by Svelte's compiled templates alone (Trusted Types), so none can come from a payload.
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types svelte-trusted-html',
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
  await server.register(fastifyStatic, { root: dir, serve: false, cacheControl: false, preCompressed: true });
  server.get<{ Params: { '*': string } }>('/*', { config: { open: true }, schema: { hide: true } }, (request, reply) => {
    const path = request.params['*'];
    reply.header('content-security-policy', pagePolicy);
    // What the build puts there has the hash of its content in its name.
    if (path.startsWith('assets/')) return reply.header('cache-control', 'public, max-age=31536000, immutable').sendFile(path);
    return reply.sendFile(/^[\w.-]+\.(svg|png|ico|webmanifest|txt)$/.test(path) ? path : 'index.html');
  });
}
