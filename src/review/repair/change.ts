import { isUtf8 } from 'node:buffer';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import { isJsonPointer } from '../../registry/json-pointer.ts';
import { type RemediationRule, remediationRules } from '../../registry/remediation.ts';
import { applyPatch, type PatchOperation } from '../../workers/json-patch.ts';
import { JsonText, type JsonToken } from '../../workers/json-text.ts';
import { remediate } from '../../workers/remediate.ts';

/** What is made of a text: operations one after another, or rules of a schema. `source` is how it was given. */
export type Change =
  | { readonly kind: 'patch'; readonly patch: readonly PatchOperation[]; readonly source: string }
  | { readonly kind: 'rules'; readonly rules: readonly RemediationRule[]; readonly source: string };

/** The changed text, or why it cannot be. */
export type Changed = { readonly value: Buffer } | { readonly problem: string };

const needsValue: ReadonlySet<unknown> = new Set(['add', 'replace', 'test']);
const needsFrom: ReadonlySet<unknown> = new Set(['move', 'copy']);

/**
 * Reads the `patch` of a request's body. From its text, because a number beyond 2^53 in it would have lost digits by the time it was
 * parsed. Throws a refusal that names the operation.
 */
export function readPatch(body: string): Change {
  const text = new JsonText(body);
  const list = text.at(['patch']);
  if (!list?.items)
    throw new HttpRefusal(400, 'Expected a list of operations (RFC 6902).', { errors: [{ path: 'body.patch', message: 'is no list' }] });
  return { kind: 'patch', patch: list.items.map((item, index) => readOperation(text, item, index)), source: text.source(list) };
}

function readOperation(text: JsonText, item: JsonToken, index: number): PatchOperation {
  const refuse = (message: string) =>
    new HttpRefusal(400, `Operation ${index} of the patch: ${message}.`, { errors: [{ path: `body.patch.${index}`, message }] });
  const member = (name: string) => item.members?.find((candidate) => candidate.name === name)?.value;
  const given = (name: string): unknown => {
    const token = member(name);
    return token && text.value(token);
  };
  const [op, path, from] = [given('op'), given('path'), given('from')];
  if (typeof path !== 'string' || !isJsonPointer(path)) throw refuse('expected "path", a JSON Pointer such as /user_id');
  if (op === 'remove' && path !== '') return { op, path };
  if (needsFrom.has(op)) {
    if (typeof from !== 'string' || !isJsonPointer(from)) throw refuse('expected "from", a JSON Pointer such as /user_id');
    return { op: op as 'move' | 'copy', path, from };
  }
  const value = member('value');
  if (!needsValue.has(op)) throw refuse('expected "op" to be add, replace, remove, move, copy or test');
  if (!value) throw refuse('expected a "value"');
  return { op: op as 'add' | 'replace' | 'test', path, value: text.value(value), json: text.source(value) };
}

/** Checks rules that are given as in a schema file. */
export function readRules(rules: readonly unknown[]): Change {
  const read = remediationRules.safeParse(rules);
  if (read.success) return { kind: 'rules', rules: read.data, source: JSON.stringify(rules) };
  const errors = read.error.issues.map(({ path, message }) => ({ path: ['body.rules', ...path.map(String)].join('.'), message }));
  throw new HttpRefusal(400, 'The rules are not as in the remediation of a schema file.', { errors });
}

/** Applies a change to a stored text. Whatever it does not name keeps every byte. `schema` is the document that rules are read against. */
export function applyChange(original: Buffer, change: Change, schema: unknown): Changed {
  if (!isUtf8(original)) return { problem: 'it is not text in UTF-8, so it can only be replaced as a whole' };
  const source = original.toString();
  try {
    JSON.parse(source);
  } catch {
    return { problem: 'it is not JSON, so it can only be replaced as a whole' };
  }
  try {
    if (change.kind === 'rules') {
      const mended = remediate(source, { version: 1, rules: [...change.rules] }, schema);
      return mended ? { value: Buffer.from(mended.text) } : { problem: 'no rule applies to it' };
    }
    const patched = applyPatch(new JsonText(source), change.patch);
    return patched
      ? { value: Buffer.from(patched.text) }
      : { problem: 'a place of the patch is not there, a test of it does not hold, or it grows beyond 16 million characters' };
  } catch (error) {
    if (error instanceof RangeError) return { problem: 'it is nested too deeply to be patched' };
    throw error;
  }
}
