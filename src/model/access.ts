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
