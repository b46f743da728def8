/** Who may do what, each role holding the rights of those before it. */
export const roles = ['viewer', 'reviewer', 'operator', 'admin'] as const;

export type Role = (typeof roles)[number];

/** A bearer token that the service accepts, and for whom. The token itself is not kept. */
export interface AccessToken {
  readonly name: string;
  readonly role: Role;
  /** May the holder read payload bytes (`payload:read`)? */
  readonly payloadRead: boolean;
  /** SHA-256 of the token, 64 lower-case hex digits. */
  readonly sha256: string;
}

/** Who asks, and what for. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly payloadRead: boolean;
  /** Only records of topics whose names begin so; empty for all. */
  readonly topicPrefixes: readonly string[];
  /** What a change must bring along, null unless a cookie says who it is. */
  readonly csrfToken: string | null;
}

/** Does the caller's role hold the rights of `role`? */
export function mayActAs(caller: Pick<Caller, 'role'>, role: Role): boolean {
  return roles.indexOf(caller.role) >= roles.indexOf(role);
}
