import type { Caller } from '../../model/access.ts';

/** What may say who asks. */
export interface Credentials {
  readonly method: string;
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  readonly cookies: Readonly<Record<string, string | undefined>>;
  /** Of the page that a browser asks for, where it says so. */
  readonly origin: string | undefined;
  /** The header `x-csrf-token`. */
  readonly csrfToken: string | undefined;
}

/** The caller, or the status and the reason with which to turn the request away; `members` go into the problem. */
export type Admission =
  | { readonly caller: Caller }
  | { readonly status: 401 | 403 | 421; readonly reason: string; readonly members?: object };

/** Decides who may come in. */
export type Admit = (credentials: Credentials) => Admission | Promise<Admission>;
