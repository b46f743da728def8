import { STATUS_CODES } from 'node:http';

export const problemType = 'application/problem+json; charset=utf-8';

/** One place of a request that is not as it must be. */
export interface ProblemPlace {
  /** `body.status`, `querystring.limit`. */
  readonly path: string;
  readonly message: string;
}

/** An error as the API answers it (RFC 9457), with members of its own behind those of the standard. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly ProblemPlace[];
}

export function problem(status: number, detail: string, members: object = {}): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...members };
}

/** Turns a request away: whoever handles it throws this, and it is answered as a problem. No failure of ours, so nothing is logged. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly statusCode: number;
  readonly members: object;

  /** `detail` is shown to the caller; `members` stand in the problem beside it. */
  constructor(statusCode: number, detail: string, members: object = {}) {
    super(detail);
    this.statusCode = statusCode;
    this.members = members;
  }
}
