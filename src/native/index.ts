import { createRequire } from 'node:module';
import { join } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { packageRoot } from '../lib/package-root.ts';
import type { JudgeAddon, LaneAddon } from './surface.ts';

/** An addon that is there, or why it is not. */
export type Loaded<T> = { readonly addon: T; readonly path: string } | { readonly missing: string };

const nodeRequire = createRequire(import.meta.url);

/** The Kafka lane. For the main thread alone, after the official client has loaded: both share one librdkafka. */
export function loadLane(): Loaded<LaneAddon> {
  return load<LaneAddon>('lane');
}

/** The validator. Loads in any thread. */
export function loadJudge(): Loaded<JudgeAddon> {
  return load<JudgeAddon>('judge');
}

function load<T>(name: 'lane' | 'judge'): Loaded<T> {
  const path = join(packageRoot, 'src/native/build/Release', `${name}.node`);
  try {
    return { addon: nodeRequire(path) as T, path };
  } catch (error) {
    return { missing: `the native ${name} does not load (${messageOf(error).split('\n')[0]}); build it with "npm run setup"` };
  }
}
