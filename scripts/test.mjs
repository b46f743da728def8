import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';

// Runs all tests, or those that vitest's own arguments select, and says the result in one closing line, the last of the output.
const root = path.resolve(import.meta.dirname, '..');
const dir = mkdtempSync(path.join(tmpdir(), 'dataquarantine-tally-'));
const tallyFile = path.join(dir, 'tally.json');

const args = process.argv.slice(2);
// A reporter that is asked for takes the place of those in the settings.
const reporters = args.some((arg) => arg.startsWith('--reporter')) ? ['--reporter=./scripts/run-reporter.mjs'] : [];

const vitest = spawn(process.execPath, [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args, ...reporters], {
  cwd: root,
  env: { ...process.env, DQ_TALLY_FILE: tallyFile, UV_THREADPOOL_SIZE: '16' },
  stdio: ['ignore', 'inherit', 'inherit'],
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => vitest.kill(signal));
const code = await new Promise((resolve) => {
  vitest.once('error', () => resolve(1));
  vitest.once('exit', (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal]));
});

const { passed, failed, skipped } = readTally();
rmSync(dir, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = code || (failed > 0 ? 1 : 0);

/** A run that ended badly without a failed test has failed all the same: it broke off, or found nothing to run. */
function readTally() {
  try {
    const tally = JSON.parse(readFileSync(tallyFile, 'utf8'));
    return code !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
  } catch {
    return { passed: 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  }
}
