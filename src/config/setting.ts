import { z } from 'zod';

/** What is known of one setting beside its type: where it may come from, what to hide, what its page says. */
export interface About {
  readonly doc: string;
  /** The environment variable, null where only file and flags set it. */
  readonly environment: string | null;
  /** `whole`: never shown. `url`: shown without user and password. `entries`: entries with telling names are not shown. */
  readonly secret: 'no' | 'whole' | 'url' | 'entries';
  readonly unit: 'bytes' | null;
  /** The default in words where its value would say less, or differs from machine to machine. */
  readonly fallback: string | null;
}

export const abouts = z.registry<About>();

/** Notes what is known of a setting. */
export function setting<Kind extends z.ZodType>(kind: Kind, doc: string, about: Partial<Omit<About, 'doc'>> = {}): Kind {
  abouts.add(kind, { environment: null, secret: 'no', unit: null, fallback: null, ...about, doc });
  return kind;
}

/** A group of settings. A name with nothing behind it, as a half commented-out file leaves, is an empty group. */
export function section<Shape extends z.core.$ZodShape>(shape: Shape) {
  const strict = z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? 'a group of settings' : undefined) });
  return z.preprocess((value) => value ?? {}, strict).prefault({});
}
