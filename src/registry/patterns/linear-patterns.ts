import { createRequire } from 'node:module';

/** Says whether a text has a match. */
interface Matcher {
  test(text: string): boolean;
}

/** What generated code asks for under this name: {@link linearPatterns}. */
export const linearPatternsModule = 'dataquarantine/linear-patterns';

const nodeRequire = createRequire(import.meta.url);

/** A pattern that RE2JS matches. It is told from others by its text, as a `RegExp` is. */
class LinearPattern implements Matcher {
  readonly #source: string;
  readonly #expression: Matcher;

  constructor(source: string, expression: string) {
    // Loaded only where a schema needs it: most need none.
    const { RE2JS } = nodeRequire('re2js') as { RE2JS: { compile(expression: string): Matcher } };
    this.#source = source;
    this.#expression = RE2JS.compile(expression);
  }

  test(text: string): boolean {
    return this.#expression.test(text);
  }

  toString(): string {
    return this.#source;
  }
}

/**
 * An engine for the patterns of a schema. `table` gives, for each pattern that a backtracking engine could be kept busy by, an expression
 * with the same meaning for one that takes time in proportion to the text; all others are the platform's.
 */
export function linearPatterns(table: Readonly<Record<string, string>>): (pattern: string, flags: string) => Matcher {
  return (pattern, flags) => {
    const expression = Object.hasOwn(table, pattern) ? table[pattern] : undefined;
    return expression === undefined ? new RegExp(pattern, flags) : new LinearPattern(pattern, expression);
  };
}
