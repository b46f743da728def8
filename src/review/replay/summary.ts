import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

/** What a summary says, for ever. */
export interface SummaryFacts {
  readonly plan: string;
  readonly state: 'done' | 'failed';
  readonly target: string;
  readonly set_sha256: string;
  readonly selected: number;
  readonly published: number;
  readonly failed: number;
  readonly left_out: number;
  readonly created_at: string;
  readonly created_by: string;
  readonly started_at: string;
  readonly started_by: string;
  readonly finished_at: string;
  readonly seconds: number;
}

/** A new key to sign with: Ed25519, PKCS 8 in PEM. */
export function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * The summary as a JSON Web Signature in its compact form (RFC 7515, EdDSA). Its head carries the public key and that key's thumbprint
 * (RFC 7638): compare the thumbprint with one that was noted before, since whoever can write the database can put another key there.
 */
export function signSummary(facts: SummaryFacts, privateKeyPem: string): string {
  const key = createPrivateKey(privateKeyPem);
  const { crv, kty, x } = createPublicKey(key).export({ format: 'jwk' });
  const jwk = { crv, kty, x };
  const kid = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
  const signed = [{ alg: 'EdDSA', kid, jwk, typ: 'dq-replay-summary+jwt' }, facts].map(encoded).join('.');
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}

/** What a signed summary says. */
export function readSummary(jws: string): SummaryFacts {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as SummaryFacts;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
