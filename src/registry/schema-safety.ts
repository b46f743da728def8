import { formatPointer } from './json-pointer.ts';
import { linearPatterns, linearPatternsModule } from './patterns/linear-patterns.ts';
import { vetPattern } from './patterns/vet-pattern.ts';
import { referenceLoop } from './reference-loop.ts';

/** Limits of one schema: far beyond what people write, far below what keeps a compiler busy or overflows its stack. */
export const schemaLimits = { bytes: 2 ** 20, depth: 128, branches: 2_000, linearPatterns: 200 } as const;

interface Problem {
  readonly message: string;
  readonly pointer: string;
}

interface Part {
  readonly value: unknown;
  readonly path: readonly string[];
}

/** Members whose content is data, in which nothing is a schema. */
const data: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'examples']);
const combinators: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf']);

/** The first limit that a schema goes beyond, endless references among them. Walks without recursion, since depth is one of them. */
export function limitProblem(schema: unknown): Problem | null {
  let branches = 0;
  const waiting: Part[] = [{ value: schema, path: [] }];
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    const { value, path } = part;
    if (typeof value !== 'object' || value === null) continue;
    const pointer = formatPointer(path);
    if (path.length > schemaLimits.depth)
      return { message: `nested more than ${schemaLimits.depth} deep`, pointer: formatPointer(path.slice(0, 8)) };
    if (Array.isArray(value) && combinators.has(path.at(-1) ?? '')) branches += value.length;
    if (branches > schemaLimits.branches)
      return { message: `more than ${schemaLimits.branches} branches of allOf, anyOf and oneOf`, pointer };
    for (const [name, inner] of Object.entries(value)) waiting.push({ value: inner, path: [...path, name] });
  }
  const loop = referenceLoop(schema);
  if (loop !== null) return { message: 'this refers to itself without end: no value would ever be judged', pointer: loop };
  const bytes = Buffer.byteLength(JSON.stringify(schema) ?? '');
  return bytes > schemaLimits.bytes
    ? { message: `${bytes} bytes, more than the ${schemaLimits.bytes} that a schema may have`, pointer: '' }
    : null;
}

/** What makes the matchers of a schema's patterns, and how generated code asks for it. */
export type PatternEngine = ReturnType<typeof linearPatterns> & { readonly code: string };

/**
 * Vets the patterns of a schema. Gives the engine that it needs, null if the platform's own does for all of them, or the place of a
 * pattern that is refused. Patterns that are not well-formed are left to the compiler.
 */
export function patternEngine(schema: unknown): PatternEngine | null | { readonly problem: Problem } {
  const table: Record<string, string> = {};
  for (const { pattern, path } of patternsIn({ value: schema, path: [] })) {
    if (!isWellFormed(pattern)) continue;
    const vetting = vetPattern(pattern);
    if (vetting.engine === 'none') return { problem: { message: vetting.why, pointer: formatPointer(path) } };
    if (vetting.engine === 'linear') table[pattern] = vetting.expression;
    if (Object.keys(table).length > schemaLimits.linearPatterns) {
      const message = `more than ${schemaLimits.linearPatterns} patterns that only a linear engine matches in time`;
      return { problem: { message, pointer: formatPointer(path) } };
    }
  }
  if (Object.keys(table).length === 0) return null;
  return Object.assign(linearPatterns(table), { code: `require("${linearPatternsModule}").linearPatterns(${JSON.stringify(table)})` });
}

function* patternsIn({ value, path }: Part): Generator<{ readonly pattern: string; readonly path: readonly string[] }> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    const at = [...path, name];
    if (name === 'pattern' && typeof inner === 'string') yield { pattern: inner, path: at };
    if (name === 'patternProperties' && typeof inner === 'object' && inner !== null) {
      for (const pattern of Object.keys(inner)) yield { pattern, path: [...at, pattern] };
    }
    if (!data.has(name) || path.at(-1) === 'properties') yield* patternsIn({ value: inner, path: at });
  }
}

function isWellFormed(pattern: string): boolean {
  try {
    return Boolean(new RegExp(pattern, 'u'));
  } catch {
    return false;
  }
}
