/**
 * A native program: a JSON Schema in the form that cc/program.cc reads. Its nodes are schemas, referred to by number; `true` takes any
 * value; the first one judges the document. What a node does not say it does not ask for.
 */
export interface NativeProgram {
  readonly nodes: readonly ProgramNode[];
  /** Tables of pattern-dfa.ts, referred to by number. */
  readonly patterns: readonly string[];
}

export type NodeReference = number | true;

export interface ProgramNode {
  /** Sum of {@link kindBits} that are allowed. */
  kinds?: number;
  /** The values that are allowed. */
  values?: readonly unknown[];
  object?: ObjectNode;
  array?: ArrayNode;
  string?: StringNode;
  number?: NumberNode;
  allOf?: NodeReference[];
  anyOf?: NodeReference[][];
  oneOf?: NodeReference[][];
  not?: NodeReference[];
  /** Test, then, else. */
  if?: [NodeReference, NodeReference, NodeReference][];
}

export interface ObjectNode {
  /** Every name that the rest speaks of, by number. */
  names?: readonly string[];
  /** By the number of the name; null where it is not declared. */
  properties?: readonly (NodeReference | null)[];
  required?: readonly number[];
  /** A pattern's number and what the members are judged by whose names match it. */
  patterns?: readonly (readonly [number, NodeReference])[];
  additional?: NodeReference;
  propertyNames?: NodeReference;
  min?: number;
  max?: number;
}

export interface ArrayNode {
  prefix?: readonly NodeReference[];
  items?: NodeReference;
  contains?: NodeReference;
  containsMin?: number;
  containsMax?: number;
  min?: number;
  max?: number;
  unique?: true;
}

export interface StringNode {
  min?: number;
  max?: number;
  patterns?: readonly number[];
  /** Formats that cc/formats.cc knows. */
  formats?: readonly string[];
}

export interface NumberNode {
  min?: number;
  max?: number;
  above?: number;
  below?: number;
  multiple?: number;
}

/** What a value is, as cc/program.h says it. An integer is a number without a fraction, however it is written. */
export const kindBits = { object: 1, array: 2, string: 4, fraction: 8, integer: 16, boolean: 32, null: 64 } as const;
export const everyKind = 127;
