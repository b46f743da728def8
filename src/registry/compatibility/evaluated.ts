import { entriesOf, isKeywords, type Keywords, type SchemaDocument } from '../schema-document.ts';
import type { Formula, Formulas } from './formula.ts';

/** Says in formulas what a schema says. */
interface Translator {
  readonly document: SchemaDocument;
  readonly formulas: Formulas;
  schema(schema: unknown): Formula;
}

/** What the keywords of a schema, and of those beside and inside it, have looked at. */
class Seen {
  readonly #formulas: Formulas;
  /** Names of members that were looked at; for arrays, how many items from the start. */
  readonly #names: Formula;
  readonly #items: number;

  constructor(formulas: Formulas, names: Formula, items: number) {
    this.#formulas = formulas;
    this.#names = names;
    this.#items = items;
  }

  join(other: Seen): Seen {
    return new Seen(this.#formulas, this.#formulas.any([this.#names, other.#names]), Math.max(this.#items, other.#items));
  }

  members(names: Formula): Seen {
    return this.join(new Seen(this.#formulas, names, 0));
  }

  items(count: number): Seen {
    return this.join(new Seen(this.#formulas, this.#formulas.nothing, count));
  }

  /** Everything that was not looked at is as `is` says. */
  rest(is: Formula): Formula {
    const members = this.#formulas.claim({ op: 'members', where: this.#formulas.not(this.#names), is });
    if (this.#items === Infinity) return members;
    return this.#formulas.all([members, this.#formulas.claim({ op: 'items', from: this.#items, to: Infinity, is })]);
  }
}

interface Case {
  readonly condition: Formula;
  readonly seen: Seen;
}

const casesMax = 64;
const nestedMax = 12;

/**
 * `unevaluatedProperties` and `unevaluatedItems` depend on which of the schemas beside them hold. Each way is a case with its condition;
 * the cases cover all values. Null where there are too many, or where what counts as looked at is not settled.
 */
export function evaluatedCases(translation: Translator, schema: Keywords, kind: 'array' | 'object'): Case[] | null {
  return new Cases(translation, kind).of(schema, 0);
}

class Cases {
  readonly #translation: Translator;
  readonly #formulas: Formulas;
  readonly #kind: 'array' | 'object';
  readonly #nothing: Seen;

  constructor(translation: Translator, kind: 'array' | 'object') {
    this.#translation = translation;
    this.#formulas = translation.formulas;
    this.#kind = kind;
    this.#nothing = new Seen(this.#formulas, this.#formulas.nothing, 0);
  }

  of(schema: unknown, nested: number): Case[] | null {
    if (!isKeywords(schema)) return [{ condition: this.#formulas.everything, seen: this.#nothing }];
    if (nested > nestedMax) return null;
    if (this.#kind === 'array' && 'contains' in schema) return null;
    const always = { condition: this.#formulas.everything, seen: this.#own(schema, nested > 0) };
    let cases: Case[] | null = [always];
    for (const [keyword, value] of Object.entries(schema)) {
      for (const ways of this.#ways(schema, keyword, value, nested + 1)) cases = this.#product(cases, ways);
      if (cases === null) return null;
    }
    return cases;
  }

  /** For each schema that a keyword applies in place, its cases. */
  #ways(schema: Keywords, keyword: string, value: unknown, nested: number): (Case[] | null)[] {
    const parts = Array.isArray(value) ? value : [];
    switch (keyword) {
      case '$ref':
      case '$recursiveRef':
      case '$dynamicRef': {
        const place = this.#translation.document.resolve(schema, keyword, String(value));
        return [place === null ? null : this.of(place.schema, nested)];
      }
      case 'allOf':
        return parts.map((part) => this.of(part, nested));
      case 'anyOf':
      case 'oneOf':
        return parts.map((part) => this.#perhaps(part, nested));
      case 'dependentSchemas':
        return entriesOf(value).map(([name, part]) => {
          const present = this.#formulas.claim({ op: 'required', name });
          return this.#either(present, this.of(part, nested), this.of(true, nested));
        });
      case 'if': {
        const whole = this.#translation.schema(value);
        const then = this.#product(this.of(value, nested), this.of(schema['then'] ?? true, nested));
        return [this.#either(whole, then, this.of(schema['else'] ?? true, nested))];
      }
      default:
        return [];
    }
  }

  #perhaps(schema: unknown, nested: number): Case[] | null {
    return this.#either(this.#translation.schema(schema), this.of(schema, nested), this.of(true, nested));
  }

  #either(condition: Formula, then: Case[] | null, otherwise: Case[] | null): Case[] | null {
    if (then === null || otherwise === null) return null;
    const under = (cases: readonly Case[], also: Formula) =>
      cases.map((one) => ({ ...one, condition: this.#formulas.all([one.condition, also]) }));
    return [...under(then, condition), ...under(otherwise, this.#formulas.not(condition))];
  }

  #product(left: Case[] | null, right: Case[] | null): Case[] | null {
    if (left === null || right === null || left.length * right.length > casesMax) return null;
    return left.flatMap((one) =>
      right.map((other) => ({ condition: this.#formulas.all([one.condition, other.condition]), seen: one.seen.join(other.seen) })),
    );
  }

  /** What the keywords of the schema itself look at; a nested `unevaluated…` looks at all that is left. */
  #own(schema: Keywords, nested: boolean): Seen {
    const formulas = this.#formulas;
    if (this.#kind === 'object') {
      if ('additionalProperties' in schema || (nested && 'unevaluatedProperties' in schema))
        return this.#nothing.members(formulas.everything);
      const named = entriesOf(schema['properties']).map(([name]) => formulas.exactly(name));
      const patterns = entriesOf(schema['patternProperties']).map(([source]) => formulas.claim({ op: 'pattern', source }));
      return this.#nothing.members(formulas.any([...named, ...patterns]));
    }
    const { items, prefixItems } = schema;
    const whole = (items !== undefined && !Array.isArray(items)) || (Array.isArray(items) && 'additionalItems' in schema);
    if (whole || (nested && 'unevaluatedItems' in schema)) return this.#nothing.items(Infinity);
    const prefix = this.#translation.document.draft === '2020-12' ? prefixItems : items;
    return this.#nothing.items(Array.isArray(prefix) ? prefix.length : 0);
  }
}
