import type { Problem } from '../../../contract/page.ts';

/** What the service answered instead of what was asked for. `status` 0 means that no answer came. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ApiError';
    this.status = problem.status;
    this.problem = problem;
  }
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly query?: Query;
  readonly body?: unknown;
  /** The body as JSON text, where reading and writing it would change its numbers. */
  readonly bodyText?: string;
  /** The version that the caller has seen: the change is refused if there is a newer one. */
  readonly version?: number;
  readonly signal?: AbortSignal;
}

export const apiRoot = '/api/v1';

let csrfToken: string | null = null;
let onUnauthorized: () => void = () => {};

/** What changes carry while a cookie says who asks. */
export function useCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Called whenever the service no longer knows who asks. */
export function whenUnauthorized(listener: () => void): void {
  onUnauthorized = listener;
}

/** Asks the service and reads its answer as JSON; null where there is none. Fails with `ApiError`, or with an `AbortError`. */
export async function call<T>(path: string, options: Call = {}): Promise<T> {
  const response = await ask(path, options);
  if (response.status === 204) return null as T;
  return (await response.json()) as T;
}

/** Asks for bytes. */
export async function callBytes(path: string, options: Call = {}): Promise<Uint8Array> {
  return new Uint8Array(await (await ask(path, options)).arrayBuffer());
}

async function ask(path: string, { method = 'GET', query, body, bodyText, version, signal }: Call): Promise<Response> {
  const headers = new Headers({ accept: 'application/json, application/problem+json' });
  const text = bodyText ?? (body === undefined ? null : JSON.stringify(body));
  if (text !== null) headers.set('content-type', 'application/json');
  if (version !== undefined) headers.set('if-match', `"${version}"`);
  if (method !== 'GET' && csrfToken !== null) headers.set('x-csrf-token', csrfToken);
  let response: Response;
  try {
    response = await fetch(`${apiRoot}${path}${queryText(query)}`, {
      method,
      headers,
      cache: 'no-store',
      ...(text === null ? {} : { body: text }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  if (response.status === 401) onUnauthorized();
  throw new ApiError(await problemOf(response));
}

export function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

async function problemOf(response: Response): Promise<Problem> {
  const title = response.statusText || `Status ${response.status}`;
  const fallback = { type: 'about:blank', title, status: response.status, detail: '' };
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}

function unreachable(): ApiError {
  return new ApiError({
    type: 'about:blank',
    title: 'The service does not answer',
    status: 0,
    detail: 'The service does not answer. It may be restarting; this page tries again by itself where it shows live data.',
  });
}
