/** Name, older schema, newer schema, is it backward compatible, is it forward compatible. Null: nobody has to know. */
export type Pair = readonly [name: string, older: unknown, newer: unknown, backward: boolean | null, forward: boolean | null];
