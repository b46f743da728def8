import { STATUS_CODES } from 'node:http';

export const problemType = 'application/problem+json; charset=utf-8';

/** An error as the API answers it (RFC 9457). */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

export function problem(status: number, detail: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
}
