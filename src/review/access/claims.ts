import { type Caller, type Role, roles } from '../../model/access.ts';

export interface ClaimRules {
  /** The claim that holds roles: a name, or a path with dots where no claim has that very name. */
  readonly roleClaim: string;
  /** The claim that holds the beginnings of topics, null where everybody may see all. */
  readonly topicClaim: string | null;
}

export type Claims = Readonly<Record<string, unknown>>;

const payloadRight = 'payload:read';
const nameCharactersMax = 200;

/**
 * Whom the claims of a provider speak for, null if they give no role, or no topic where topics are asked for. The role claim is a text or a list
 * of texts; the highest role in it counts, and `payload:read` stands beside it. Names say `sub` as well, which alone is unmistakable.
 */
export function callerOfClaims(claims: Claims, { roleClaim, topicClaim }: ClaimRules): Caller | null {
  const subject = claims['sub'];
  if (typeof subject !== 'string' || subject === '') return null;
  const granted = textsOf(claimAt(claims, roleClaim));
  const role: Role | undefined = roles.findLast((one) => granted.includes(one));
  if (role === undefined) return null;
  const topicPrefixes = topicClaim === null ? [] : textsOf(claimAt(claims, topicClaim)).filter((prefix) => prefix !== '');
  if (topicClaim !== null && topicPrefixes.length === 0) return null;
  return { name: nameOf(claims, subject), role, payloadRead: granted.includes(payloadRight), topicPrefixes, csrfToken: null };
}

function nameOf(claims: Claims, subject: string): string {
  const called = claims['preferred_username'] ?? claims['email'];
  const name = typeof called === 'string' && called !== subject ? `${called} (${subject})` : subject;
  return name.replaceAll(/\p{C}/gu, '\ufffd').slice(0, nameCharactersMax);
}

function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

function textsOf(value: unknown): string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === 'string');
}
