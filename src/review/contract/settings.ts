import { z } from 'zod';
import { pageOf } from './page.ts';

/** One setting that is in force, in words; what is secret is masked before it comes here. */
export const effectiveSetting = z.object({
  key: z.string(),
  value: z.string(),
  /** `default`, a variable of the environment, a place in the settings file, or a flag. */
  origin: z.string(),
  /** What it is where nobody sets it. */
  default: z.string(),
  is_default: z.boolean(),
  doc: z.string(),
});

export const settingsList = pageOf(effectiveSetting);

export type EffectiveSetting = z.infer<typeof effectiveSetting>;
