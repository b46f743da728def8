import { DataQuarantineError, messageOf } from '../../lib/errors.ts';
import type { RegisteredText, RegisteredVersion, SchemaLink, SchemaSource } from '../../model/registered-schema.ts';

export interface SchemaRegistryOptions {
  /** Up to the path of the API; a user and a password in it are taken for `username` and `password`. */
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly token: string | null;
}

const requestMsMax = 10_000;
const answerBytesMax = 16 * 2 ** 20;
const mediaTypes = 'application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json';
/** Subject, version and schema not found (the registry's API reference). Any other 404 comes from something before it. */
const absent: ReadonlySet<unknown> = new Set([40401, 40402, 40403]);

/**
 * A Confluent-compatible schema registry over HTTP (`GET` alone). TLS is Node's own: further authorities by `NODE_EXTRA_CA_CERTS`.
 * Redirects are not followed, so credentials never leave for another host.
 */
export class SchemaRegistry implements SchemaSource {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  constructor({ url, username, password, token }: SchemaRegistryOptions) {
    const address = new URL(url);
    const user = username ?? decodeURIComponent(address.username);
    const secret = password ?? decodeURIComponent(address.password);
    address.username = '';
    address.password = '';
    this.#base = address.href.replace(/\/+$/, '');
    const authorization =
      token !== null ? `Bearer ${token}` : user !== '' ? `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` : null;
    this.#headers = { accept: mediaTypes, ...(authorization !== null && { authorization }) };
  }

  async subjects(): Promise<readonly string[]> {
    return listOf(await this.#get('/subjects'), isText) ?? this.#strange('/subjects');
  }

  async versions(subject: string): Promise<readonly number[] | null> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const answer = await this.#get(path);
    return answer === null ? null : (listOf(answer, isWhole) ?? this.#strange(path));
  }

  async version(subject: string, version: number): Promise<RegisteredVersion | null> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
    const answer = await this.#get(path);
    if (answer === null) return null;
    const { id } = answer as { id?: unknown };
    const text = textOf(answer);
    return text !== null && isWhole(id) ? { ...text, id, subject, version } : this.#strange(path);
  }

  async byId(id: number): Promise<RegisteredText | null> {
    const path = `/schemas/ids/${id}`;
    const answer = await this.#get(path);
    return answer === null ? null : (textOf(answer) ?? this.#strange(path));
  }

  async versionsOf(id: number): Promise<readonly Pick<RegisteredVersion, 'subject' | 'version'>[]> {
    const path = `/schemas/ids/${id}/versions`;
    return listOf((await this.#get(path)) ?? [], isPlace) ?? this.#strange(path);
  }

  /** The JSON of an answer; null where the registry says that it has no such thing. */
  async #get(path: string): Promise<unknown> {
    let response: Response;
    let body: string;
    try {
      const signal = AbortSignal.timeout(requestMsMax);
      response = await fetch(`${this.#base}${path}`, { headers: this.#headers, redirect: 'error', signal });
      body = await readWhole(response);
    } catch (error) {
      const cause = (error as { cause?: unknown }).cause;
      throw this.#away(`cannot be reached (${messageOf(cause ?? error)})`, error);
    }
    // An id that we may not read is one that we do not know: a message can name any.
    if (response.status === 403 && path.startsWith('/schemas/ids/')) return null;
    if (response.status === 401 || response.status === 403) {
      const message = `the schema registry ${this.#base} refused ${path} with ${response.status}; check schemas.registry.username, .password or .token`;
      throw new DataQuarantineError('DQ_SCHEMA_REGISTRY_REFUSED', message);
    }
    const answer = parsed(body);
    if (response.ok && answer !== undefined) return answer;
    if (response.status === 404 && absent.has((answer as { error_code?: unknown } | undefined)?.error_code)) return null;
    if (response.ok || response.status === 404) this.#strange(path, ` (status ${response.status})`);
    throw this.#away(`answered ${path} with ${response.status}`);
  }

  /** A proxy whose registry is away says the same, so whoever knows this one waits. */
  #strange(path: string, status = ''): never {
    const message = `${this.#base} answered ${path} as no schema registry does${status}; check schemas.registry.url, up to the path of its API`;
    throw new DataQuarantineError('DQ_SCHEMA_REGISTRY_STRANGE', message);
  }

  #away(why: string, cause?: unknown): DataQuarantineError {
    const message = `the schema registry ${this.#base} ${why}; check schemas.registry.url and the server`;
    return new DataQuarantineError('DQ_SCHEMA_REGISTRY_UNREACHABLE', message, { cause });
  }
}

/** An answer has a limit, as everything that others send. */
async function readWhole(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error(`an answer of more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** A schema without a type is Avro, the first kind that registries had. */
function textOf(answer: unknown): RegisteredText | null {
  const { schema, schemaType = 'AVRO', references } = (answer ?? {}) as Record<string, unknown>;
  const links = listOf(references ?? [], isLink);
  if (!isText(schema) || !isText(schemaType) || links === null) return null;
  return { type: schemaType, text: schema, references: links };
}

function listOf<T>(answer: unknown, fits: (item: unknown) => item is T): readonly T[] | null {
  return Array.isArray(answer) && answer.every(fits) ? answer : null;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

function isPlace(value: unknown): value is Pick<RegisteredVersion, 'subject' | 'version'> {
  const { subject, version } = (value ?? {}) as Record<string, unknown>;
  return isText(subject) && isWhole(version);
}

function isLink(value: unknown): value is SchemaLink {
  return isPlace(value) && isText((value as { name?: unknown }).name);
}
