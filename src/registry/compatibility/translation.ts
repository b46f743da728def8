import { entriesOf, isKeywords, type Keywords, type SchemaDocument } from '../schema-document.ts';
import { evaluatedCases } from './evaluated.ts';
import type { Formula, Formulas, Kind } from './formula.ts';
import { isTextFormat } from './known-formats.ts';

/** Says in formulas what the schemas of one document say in keywords, as the validator reads them. */
export class Translation {
  readonly document: SchemaDocument;
  readonly formulas: Formulas;
  readonly #done = new Map<object, Formula>();
  readonly #unfolding = new Set<object>();

  constructor(document: SchemaDocument, formulas: Formulas) {
    this.document = document;
    this.formulas = formulas;
  }

  /** The whole of a schema. */
  schema(schema: unknown): Formula {
    if (!isKeywords(schema)) return schema === false ? this.formulas.nothing : this.formulas.everything;
    const done = this.#done.get(schema);
    if (done) return done;
    const formula = this.formulas.all(this.keywordsOf(schema).map((keyword) => this.keyword(schema, keyword)));
    this.#done.set(schema, formula);
    return formula;
  }

  /** The keywords of a schema that assert something. */
  keywordsOf(schema: Keywords): string[] {
    if (this.document.draft === 'draft-07' && typeof schema['$ref'] === 'string') return ['$ref'];
    return Object.keys(schema).filter((keyword) => Object.hasOwn(rules, keyword) && !isForeign(keyword, this.document.draft));
  }

  /** What one keyword says, together with the neighbours that it reads. */
  keyword(schema: Keywords, keyword: string): Formula {
    const rule = rules[keyword];
    return rule ? rule({ value: schema[keyword], schema, formulas: this.formulas, translation: this }) : this.formulas.everything;
  }

  reference(schema: Keywords, keyword: string): Formula {
    const place = this.document.resolve(schema, keyword, String(schema[keyword]));
    if (place === null) return this.formulas.opaque(`${this.document.version} ${keyword} ${String(schema[keyword])}`);
    const { schema: target } = place;
    if (!isKeywords(target)) return this.schema(target);
    if (this.#unfolding.has(target)) return this.formulas.ref(`${this.document.version} ${place.pointer}`, () => this.#unfolded(target));
    return this.#unfolded(target);
  }

  /** A schema that is met inside itself becomes a reference; all others are copied to where they are used. */
  #unfolded(target: Keywords): Formula {
    const done = this.#done.get(target);
    if (done) return done;
    this.#unfolding.add(target);
    const formula = this.schema(target);
    this.#unfolding.delete(target);
    return formula;
  }
}

interface Reading {
  readonly value: unknown;
  readonly schema: Keywords;
  readonly formulas: Formulas;
  readonly translation: Translation;
}

type Rule = (reading: Reading) => Formula;

const since2019: ReadonlySet<string> = new Set([
  '$recursiveRef',
  'dependentRequired',
  'dependentSchemas',
  'unevaluatedItems',
  'unevaluatedProperties',
]);

function isForeign(keyword: string, draft: SchemaDocument['draft']): boolean {
  if (draft === 'draft-07') return since2019.has(keyword) || keyword === 'prefixItems' || keyword === '$dynamicRef';
  return draft === '2019-09' ? keyword === 'prefixItems' || keyword === '$dynamicRef' : keyword === 'additionalItems';
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A keyword with a number for a limit. */
function limit(op: 'lengthLeast' | 'lengthMost' | 'itemsLeast' | 'itemsMost' | 'membersLeast' | 'membersMost'): Rule {
  return ({ value, formulas }) => formulas.claim({ op, limit: value as number });
}

function bound(op: 'least' | 'most', exclusive: boolean): Rule {
  return ({ value, formulas }) => formulas.claim({ op, limit: value as number, exclusive });
}

function typeOf({ value, formulas }: Reading): Formula {
  const kinds = [value].flat().map((name) => {
    if (name !== 'integer') return formulas.kind(name as Kind);
    return formulas.all([formulas.kind('number'), formulas.claim({ op: 'whole' })]);
  });
  return formulas.any(kinds);
}

function formatOf({ value, formulas }: Reading): Formula {
  const name = String(value);
  const whole = formulas.claim({ op: 'whole' });
  if (name === 'int64') return whole;
  if (name === 'int32') {
    const [least, most] = [-(2 ** 31), 2 ** 31 - 1];
    const range = [
      formulas.claim({ op: 'least', limit: least, exclusive: false }),
      formulas.claim({ op: 'most', limit: most, exclusive: false }),
    ];
    return formulas.all([whole, ...range]);
  }
  return isTextFormat(name) ? formulas.claim({ op: 'format', name }) : formulas.everything;
}

function additionalProperties({ value, schema, formulas, translation }: Reading): Formula {
  const named = Object.keys(isKeywords(schema['properties']) ? schema['properties'] : {}).map((name) => formulas.exactly(name));
  const patterns = entriesOf(schema['patternProperties']).map(([source]) => formulas.claim({ op: 'pattern', source }));
  return formulas.claim({ op: 'members', where: formulas.not(formulas.any([...named, ...patterns])), is: translation.schema(value) });
}

function items({ value, schema, formulas, translation }: Reading): Formula {
  if (!Array.isArray(value)) {
    const from = translation.document.draft === '2020-12' ? list(schema['prefixItems']).length : 0;
    return formulas.claim({ op: 'items', from, to: Infinity, is: translation.schema(value) });
  }
  return formulas.all(
    value.map((part, index) => formulas.claim({ op: 'items', from: index, to: index + 1, is: translation.schema(part) })),
  );
}

function contains({ value, schema, formulas, translation }: Reading): Formula {
  const counted = translation.document.draft !== 'draft-07';
  const least = counted && typeof schema['minContains'] === 'number' ? schema['minContains'] : 1;
  const most = counted && typeof schema['maxContains'] === 'number' ? schema['maxContains'] : Infinity;
  const is = translation.schema(value);
  return formulas.all([
    least > 0 ? formulas.claim({ op: 'contains', is, least, most: Infinity }) : formulas.everything,
    most < Infinity ? formulas.claim({ op: 'contains', is, least: 0, most }) : formulas.everything,
  ]);
}

function dependencies({ value, formulas, translation }: Reading): Formula {
  const each = entriesOf(value).map(([name, needed]) => {
    const wanted = Array.isArray(needed)
      ? formulas.all(needed.map((other) => formulas.claim({ op: 'required', name: String(other) })))
      : translation.schema(needed);
    return formulas.any([formulas.not(formulas.claim({ op: 'required', name })), wanted]);
  });
  return formulas.when('object', formulas.all(each));
}

function conditional({ value, schema, formulas, translation }: Reading): Formula {
  const condition = translation.schema(value);
  return formulas.all([
    formulas.any([formulas.not(condition), 'then' in schema ? translation.schema(schema['then']) : formulas.everything]),
    formulas.any([condition, 'else' in schema ? translation.schema(schema['else']) : formulas.everything]),
  ]);
}

function unevaluated(kind: 'array' | 'object'): Rule {
  return ({ value, schema, formulas, translation }) => {
    const cases = evaluatedCases(translation, schema, kind);
    const is = translation.schema(value);
    if (cases === null) return formulas.opaque(`${translation.document.version} unevaluated ${kind} ${JSON.stringify(schema)}`);
    const claims = cases.map(({ condition, seen }) => formulas.any([formulas.not(condition), seen.rest(is)]));
    return formulas.when(kind, formulas.all(claims));
  };
}

const reference =
  (keyword: string): Rule =>
  ({ schema, translation }) =>
    translation.reference(schema, keyword);

const schemas = ({ value, translation }: Reading): Formula[] => list(value).map((part) => translation.schema(part));

const rules: Readonly<Record<string, Rule>> = {
  $ref: reference('$ref'),
  $recursiveRef: reference('$recursiveRef'),
  $dynamicRef: reference('$dynamicRef'),
  type: typeOf,
  enum: ({ value, formulas }) => formulas.any(list(value).map((one) => formulas.exactly(one))),
  const: ({ value, formulas }) => formulas.exactly(value),
  minimum: bound('least', false),
  exclusiveMinimum: bound('least', true),
  maximum: bound('most', false),
  exclusiveMaximum: bound('most', true),
  multipleOf: ({ value, formulas }) => formulas.claim({ op: 'multiple', of: value as number }),
  minLength: limit('lengthLeast'),
  maxLength: limit('lengthMost'),
  pattern: ({ value, formulas }) => formulas.claim({ op: 'pattern', source: String(value) }),
  format: formatOf,
  minItems: limit('itemsLeast'),
  maxItems: limit('itemsMost'),
  uniqueItems: ({ value, formulas }) => (value === true ? formulas.claim({ op: 'unique' }) : formulas.everything),
  prefixItems: items,
  items,
  additionalItems: ({ value, schema, formulas, translation }) => {
    const { items: first } = schema;
    if (!Array.isArray(first)) return formulas.everything;
    return formulas.claim({ op: 'items', from: first.length, to: Infinity, is: translation.schema(value) });
  },
  contains,
  minProperties: limit('membersLeast'),
  maxProperties: limit('membersMost'),
  required: ({ value, formulas }) => formulas.all(list(value).map((name) => formulas.claim({ op: 'required', name: String(name) }))),
  properties: ({ value, formulas, translation }) =>
    formulas.all(entriesOf(value).map(([name, part]) => formulas.member(name, translation.schema(part)))),
  patternProperties: ({ value, formulas, translation }) =>
    formulas.all(
      entriesOf(value).map(([source, part]) =>
        formulas.claim({ op: 'members', where: formulas.claim({ op: 'pattern', source }), is: translation.schema(part) }),
      ),
    ),
  additionalProperties,
  propertyNames: ({ value, formulas, translation }) =>
    formulas.claim({ op: 'members', where: formulas.not(translation.schema(value)), is: formulas.nothing }),
  dependencies,
  dependentRequired: dependencies,
  dependentSchemas: dependencies,
  allOf: (reading) => reading.formulas.all(schemas(reading)),
  anyOf: (reading) => reading.formulas.any(schemas(reading)),
  oneOf: (reading) => reading.formulas.one(schemas(reading)),
  not: ({ value, formulas, translation }) => formulas.not(translation.schema(value)),
  if: conditional,
  unevaluatedItems: unevaluated('array'),
  unevaluatedProperties: unevaluated('object'),
};
