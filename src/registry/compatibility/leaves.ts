import { entriesOf, isKeywords, type Keywords, type SchemaDocument } from '../schema-document.ts';
import type { Formula, Formulas } from './formula.ts';
import { type Breach, ruleOf } from './rules.ts';
import type { Translation } from './translation.ts';

/** One demand of a schema, together with the path to it: all demands together are the schema. */
export interface Leaf {
  readonly breach: Breach;
  /** JSON Pointer of the keyword; of a member that is no longer planned, where it was. */
  readonly pointer: string;
  /** True of the whole documents that meet the demand. */
  readonly formula: Formula;
}

/** A schema that has to be met at some place of a document. */
interface Spot {
  readonly schema: unknown;
  readonly pointer: string;
  /** Names on the way from the top of the document; `*` for any. */
  readonly path: readonly string[];
  /** What the whole document fulfils if the value at the place fulfils the formula. */
  readonly lift: (formula: Formula) => Formula;
  /** What the other schema says of the place, with all its branches. For words alone. */
  readonly others: readonly Keywords[];
  /** References that were followed on the way. */
  readonly followed: readonly unknown[];
}

const depthMax = 40;

/** Takes a schema apart into its demands. `other` is the schema that it is compared with. */
export function leavesOf(translation: Translation, other: SchemaDocument): Leaf[] {
  const { document } = translation;
  const others = branchesOf(other, [other.root]);
  const spot = { schema: document.root, pointer: '', path: [], lift: (formula: Formula) => formula, others, followed: [] };
  return new LeafWalk(translation, other).at(spot);
}

class LeafWalk {
  readonly #translation: Translation;
  readonly #formulas: Formulas;
  readonly #other: SchemaDocument;

  constructor(translation: Translation, other: SchemaDocument) {
    this.#translation = translation;
    this.#formulas = translation.formulas;
    this.#other = other;
  }

  at(spot: Spot): Leaf[] {
    const { schema } = spot;
    if (schema === false) return [this.#leaf(spot, 'false', this.#formulas.nothing)];
    if (!isKeywords(schema)) return [];
    return this.#translation.keywordsOf(schema).flatMap((keyword) => this.#keyword(spot, schema, keyword));
  }

  #keyword(spot: Spot, schema: Keywords, keyword: string): Leaf[] {
    const value = schema[keyword];
    switch (keyword) {
      case 'properties':
        return entriesOf(value).flatMap(([name, part]) => this.at(this.#member(spot, { name, schema: part, steps: [keyword, name] })));
      case 'patternProperties':
        return entriesOf(value).flatMap(([source, part]) => {
          const where = this.#formulas.claim({ op: 'pattern', source });
          return this.at(this.#members(spot, { where, schema: part, steps: [keyword, source] }));
        });
      case 'additionalProperties':
        return this.#additional(spot, schema, value);
      case 'items':
      case 'prefixItems':
      case 'additionalItems':
        return this.#items(spot, schema, keyword);
      case 'allOf':
        return (value as unknown[]).flatMap((part, index) => this.at({ ...spot, schema: part, pointer: `${spot.pointer}/allOf/${index}` }));
      case 'required':
        return (value as string[]).map((name) => this.#leaf(spot, keyword, this.#formulas.claim({ op: 'required', name }), { name }));
      case '$ref': {
        const place = this.#translation.document.resolve(schema, keyword, String(value));
        const again = place === null || spot.followed.includes(place.schema) || spot.path.length > depthMax;
        if (again) return [this.#leaf(spot, keyword, this.#translation.keyword(schema, keyword))];
        return this.at({ ...spot, ...place, followed: [...spot.followed, place.schema] });
      }
      default:
        return [this.#leaf(spot, keyword, this.#translation.keyword(schema, keyword))];
    }
  }

  /** Members that only the other schema plans are looked at one by one: each is a removal of its own. */
  #additional(spot: Spot, schema: Keywords, value: unknown): Leaf[] {
    const planned = new Set(spot.others.flatMap((each) => entriesOf(each['properties']).map(([name]) => name)));
    const patterns = entriesOf(schema['patternProperties']).map(([source]) => source);
    const own = entriesOf(schema['properties']).map(([name]) => name);
    const removed = [...planned].filter((name) => !own.includes(name) && !patterns.some((source) => new RegExp(source, 'u').test(name)));
    const one = removed.flatMap((name) => {
      const steps = value === false ? ['properties', name] : ['additionalProperties'];
      return this.at(this.#member(spot, { name, schema: value, steps }));
    });
    const named = [...own, ...removed].map((name) => this.#formulas.exactly(name));
    const matched = patterns.map((source) => this.#formulas.claim({ op: 'pattern', source }));
    const where = this.#formulas.not(this.#formulas.any([...named, ...matched]));
    return [...one, ...this.at(this.#members(spot, { where, schema: value, steps: ['additionalProperties'] }))];
  }

  #items(spot: Spot, schema: Keywords, keyword: string): Leaf[] {
    const value = schema[keyword];
    if (Array.isArray(value)) {
      return value.flatMap((part, index) =>
        this.at(this.#item(spot, { from: index, to: index + 1, schema: part, steps: [keyword, String(index)] })),
      );
    }
    const before =
      keyword === 'additionalItems' ? schema['items'] : this.#translation.document.draft === '2020-12' ? schema['prefixItems'] : [];
    if (keyword === 'additionalItems' && !Array.isArray(before)) return [];
    return this.at(this.#item(spot, { from: Array.isArray(before) ? before.length : 0, to: Infinity, schema: value, steps: [keyword] }));
  }

  #leaf(spot: Spot, keyword: string, formula: Formula, more: { name?: string } = {}): Leaf {
    const { pointer, path, others, schema } = spot;
    const at = keyword === 'false' ? pointer : `${pointer}/${keyword}`;
    const version = this.#translation.document.version;
    return { breach: ruleOf({ version, keyword, schema, path, others, ...more }), pointer: at, formula: spot.lift(formula) };
  }

  #member(spot: Spot, step: { name: string; schema: unknown; steps: readonly string[] }): Spot {
    const lift = (formula: Formula) => spot.lift(this.#formulas.member(step.name, formula));
    const others = spot.others.flatMap((each) => membersOf(each, step.name));
    return { ...this.#inside(spot, step), path: [...spot.path, step.name], lift, others: branchesOf(this.#other, others) };
  }

  #members(spot: Spot, step: { where: Formula; schema: unknown; steps: readonly string[] }): Spot {
    const lift = (formula: Formula) => spot.lift(this.#formulas.claim({ op: 'members', where: step.where, is: formula }));
    const others = spot.others.flatMap((each) => [
      ...entriesOf(each['patternProperties']).map(([, part]) => part),
      each['additionalProperties'],
    ]);
    return { ...this.#inside(spot, step), path: [...spot.path, '*'], lift, others: branchesOf(this.#other, others) };
  }

  #item(spot: Spot, step: { from: number; to: number; schema: unknown; steps: readonly string[] }): Spot {
    const { from, to } = step;
    const lift = (formula: Formula) => spot.lift(this.#formulas.claim({ op: 'items', from, to, is: formula }));
    const others = spot.others.flatMap((each) => itemsOf(each, from));
    const path = [...spot.path, to === Infinity ? '*' : String(from)];
    return { ...this.#inside(spot, step), path, lift, others: branchesOf(this.#other, others) };
  }

  #inside(spot: Spot, { schema, steps }: { schema: unknown; steps: readonly string[] }): Omit<Spot, 'lift' | 'others' | 'path'> {
    const escaped = steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    return { schema, pointer: spot.pointer + escaped.join(''), followed: spot.followed };
  }
}

function membersOf(schema: Keywords, name: string): unknown[] {
  const named = entriesOf(schema['properties']).filter(([other]) => other === name);
  const matched = entriesOf(schema['patternProperties']).filter(([source]) => new RegExp(source, 'u').test(name));
  const found = [...named, ...matched].map(([, part]) => part);
  return found.length > 0 ? found : [schema['additionalProperties']];
}

function itemsOf(schema: Keywords, from: number): unknown[] {
  const { items, prefixItems, additionalItems } = schema;
  const first = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
  if (from < first.length) return [first[from]];
  return [Array.isArray(items) ? additionalItems : items];
}

/** The schemas with all that apply at the same place: branches of unions and conditions, and what references lead to. */
function branchesOf(document: SchemaDocument, schemas: readonly unknown[]): Keywords[] {
  const found = new Set<Keywords>();
  const waiting = [...schemas];
  for (let schema = waiting.pop(); waiting.length > 0 || schema !== undefined; schema = waiting.pop()) {
    if (!isKeywords(schema) || found.has(schema)) continue;
    found.add(schema);
    for (const keyword of ['allOf', 'anyOf', 'oneOf', 'then', 'else', 'if']) waiting.push(...[schema[keyword]].flat());
    if (typeof schema['$ref'] === 'string') waiting.push(document.resolve(schema, '$ref', schema['$ref'])?.schema);
  }
  return [...found];
}
