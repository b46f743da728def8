/** The kinds of JSON values. Whole numbers are numbers with a property, not a kind of their own. */
export type Kind = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

export const kinds: readonly Kind[] = ['object', 'array', 'string', 'number', 'boolean', 'null'];

export type Scalar = null | boolean | number | string;

/** A statement about values of one kind; values of the other kinds fulfil it, as keywords of JSON Schema do. */
export type Claim =
  | { readonly op: 'whole' | 'unique' }
  | { readonly op: 'least' | 'most'; readonly limit: number; readonly exclusive: boolean }
  | { readonly op: 'multiple'; readonly of: number }
  | { readonly op: 'lengthLeast' | 'lengthMost' | 'itemsLeast' | 'itemsMost' | 'membersLeast' | 'membersMost'; readonly limit: number }
  | { readonly op: 'pattern'; readonly source: string }
  | { readonly op: 'format'; readonly name: string }
  /** Every item from index `from` on and before `to`. */
  | { readonly op: 'items'; readonly from: number; readonly to: number; readonly is: Formula }
  /** From `least` to `most` items; of the two, one is a limit and the other asks nothing. */
  | { readonly op: 'contains'; readonly is: Formula; readonly least: number; readonly most: number }
  | { readonly op: 'required'; readonly name: string }
  /** Every member whose name is one of `where`. */
  | { readonly op: 'members'; readonly where: Formula; readonly is: Formula };

type Shape =
  | { readonly op: 'true' | 'false' }
  | { readonly op: 'all' | 'any'; readonly of: readonly Formula[] }
  | { readonly op: 'not'; readonly is: Formula }
  /** Fulfilled by values of other kinds. */
  | { readonly op: 'when'; readonly kind: Kind; readonly is: Formula }
  | { readonly op: 'kind'; readonly kind: Kind }
  | { readonly op: 'const'; readonly value: Scalar }
  /** A schema that refers to itself: unfolded only when somebody asks. */
  | { readonly op: 'ref'; readonly name: string; readonly target: () => Formula }
  /** What this model does not know: neither proven nor refuted by rule. */
  | { readonly op: 'opaque'; readonly name: string }
  | ({ readonly kind: Kind } & Claim);

/**
 * A set of JSON values, described. Equal descriptions are one object, so that two formulas are compared by identity and a formula
 * meets its own negation at once.
 */
export type Formula = Shape & { readonly id: number };

const claimKinds: Readonly<Record<Claim['op'], Kind>> = {
  whole: 'number',
  least: 'number',
  most: 'number',
  multiple: 'number',
  lengthLeast: 'string',
  lengthMost: 'string',
  pattern: 'string',
  format: 'string',
  itemsLeast: 'array',
  itemsMost: 'array',
  items: 'array',
  contains: 'array',
  unique: 'array',
  membersLeast: 'object',
  membersMost: 'object',
  required: 'object',
  members: 'object',
};

/** Makes formulas, and knows all that it made. One lives as long as one comparison. */
export class Formulas {
  readonly #known = new Map<string, Formula>();
  readonly everything = this.#intern('true', { op: 'true' });
  readonly nothing = this.#intern('false', { op: 'false' });

  get size(): number {
    return this.#known.size;
  }

  all(parts: readonly Formula[]): Formula {
    return this.#join('all', parts, this.everything, this.nothing);
  }

  any(parts: readonly Formula[]): Formula {
    return this.#join('any', parts, this.nothing, this.everything);
  }

  not(is: Formula): Formula {
    if (is.op === 'not') return is.is;
    if (is === this.everything) return this.nothing;
    if (is === this.nothing) return this.everything;
    return this.#intern(`not ${is.id}`, { op: 'not', is });
  }

  when(kind: Kind, is: Formula): Formula {
    return is === this.everything ? is : this.#intern(`when ${kind} ${is.id}`, { op: 'when', kind, is });
  }

  kind(kind: Kind): Formula {
    return this.#intern(`kind ${kind}`, { op: 'kind', kind });
  }

  ref(name: string, target: () => Formula): Formula {
    return this.#intern(`ref ${name}`, { op: 'ref', name, target });
  }

  opaque(name: string): Formula {
    return this.#intern(`opaque ${name}`, { op: 'opaque', name });
  }

  claim(claim: Claim): Formula {
    if ((claim.op === 'items' || claim.op === 'members') && claim.is === this.everything) return this.everything;
    if (claim.op === 'members' && claim.where === this.nothing) return this.everything;
    if ('limit' in claim && claim.limit <= 0 && claim.op.endsWith('Least')) return this.everything;
    const key = JSON.stringify(claim, (name, value: unknown) =>
      name === 'is' || name === 'where' ? (value as Formula).id : value === Infinity ? 'inf' : value,
    );
    return this.#intern(key, { kind: claimKinds[claim.op], ...claim });
  }

  /** The value and nothing else. Arrays and objects are described by their parts, so that their negation is known too. */
  exactly(value: unknown): Formula {
    if (Array.isArray(value)) {
      const items = value.map((item, index) => this.claim({ op: 'items', from: index, to: index + 1, is: this.exactly(item) }));
      const size = [this.claim({ op: 'itemsLeast', limit: value.length }), this.claim({ op: 'itemsMost', limit: value.length })];
      return this.all([this.kind('array'), ...size, ...items]);
    }
    if (typeof value === 'object' && value !== null) {
      const members = Object.entries(value).flatMap(([name, part]) => [
        this.claim({ op: 'required', name }),
        this.member(name, this.exactly(part)),
      ]);
      const others = this.not(this.any(Object.keys(value).map((name) => this.exactly(name))));
      const closed = this.claim({ op: 'members', where: others, is: this.nothing });
      return this.all([this.kind('object'), closed, ...members]);
    }
    const scalar = (Object.is(value, -0) ? 0 : value) as Scalar;
    return this.#intern(`const ${JSON.stringify(scalar)}`, { op: 'const', value: scalar });
  }

  /** The member of that name, where there is one. */
  member(name: string, is: Formula): Formula {
    return this.claim({ op: 'members', where: this.exactly(name), is });
  }

  /** Exactly one of the parts. */
  one(parts: readonly Formula[]): Formula {
    const alone = parts.map((part, index) =>
      this.all([part, ...parts.filter((_, other) => other !== index).map((other) => this.not(other))]),
    );
    return this.any(alone);
  }

  #join(op: 'all' | 'any', parts: readonly Formula[], neutral: Formula, absorbing: Formula): Formula {
    const flat = new Map<number, Formula>();
    for (const part of parts) {
      for (const inner of part.op === op ? part.of : [part]) if (inner !== neutral) flat.set(inner.id, inner);
    }
    if (flat.has(absorbing.id)) return absorbing;
    const of = [...flat.values()].sort((a, b) => a.id - b.id);
    if (of.some((part) => part.op === 'not' && flat.has(part.is.id))) return absorbing;
    if (of.length <= 1) return of[0] ?? neutral;
    return this.#intern(`${op} ${[...flat.keys()].sort((a, b) => a - b).join(' ')}`, { op, of });
  }

  #intern(key: string, shape: Shape): Formula {
    const known = this.#known.get(key);
    if (known) return known;
    const formula: Formula = { ...shape, id: this.#known.size };
    this.#known.set(key, formula);
    return formula;
  }
}

export function kindOf(value: unknown): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as 'boolean' | 'number' | 'string' | 'object';
}
