import { join } from 'node:path';
import { messageOf } from '../src/lib/errors.ts';
import { packageRoot } from '../src/lib/package-root.ts';
import { buildValidators } from '../src/registry/build.ts';

/** Build step: schemas/ → generated/. The same compiler runs in the service for versions that come later. */
try {
  const validators = await buildValidators(join(packageRoot, 'schemas'), join(packageRoot, 'generated'));
  console.log(`${validators.length} validators generated`);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
