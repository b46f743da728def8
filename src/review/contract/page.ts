import { z } from 'zod';

/** Text to look for. The database has neither a NUL nor half of a surrogate pair in its texts, so nothing can match one. */
export const searchText = z
  .string()
  .max(300)
  .refine((text) => !/[\0\p{Surrogate}]/u.test(text), { message: 'must not hold a NUL or half of a surrogate pair' });

/** How much of a list is asked for (docs/review.md). */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** Where the last page ended, as that page said; opaque. */
  cursor: z.string().max(1_024).optional(),
});

/** A list as every route answers it. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

/** An error as every route answers it (RFC 9457). `errors` names the places of a malformed query or body. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

export type Problem = z.infer<typeof problem>;
export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}
