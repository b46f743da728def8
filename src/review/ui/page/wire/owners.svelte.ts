import { schemas } from './api.ts';

/** Whose each schema is. Asked for once, when the first cause is shown; where it cannot be had, nobody is named. */
class Owners {
  #bySchema = $state.raw<ReadonlyMap<string, string>>(new Map());
  #asked = false;

  of(schema: string | null): string | null {
    if (!this.#asked) void this.#ask();
    return schema === null ? null : (this.#bySchema.get(schema) ?? null);
  }

  async #ask(): Promise<void> {
    this.#asked = true;
    try {
      const { items } = await schemas.list();
      this.#bySchema = new Map(items.flatMap(({ name, owner }) => (owner === null ? [] : [[name, owner]])));
    } catch {
      this.#asked = false;
    }
  }
}

export const owners = new Owners();
