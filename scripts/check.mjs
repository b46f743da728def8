/**
 * `npm run check`: all that can be said of the tree without a server. Format, lint, types, import law, pure tests; each step is one
 * line with its time, and shows its output only when it fails. `--fix` lets the formatter and the linter mend what they can; `--untested` leaves
 * the tests out, for whoever runs them all afterwards.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: flags } = parseArgs({
  options: { fix: { type: 'boolean', default: false }, untested: { type: 'boolean', default: false } },
});

const onTerminal = process.stdout.isTTY === true;
const environment = { ...process.env, ...(onTerminal ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) };

/** The longest first, so that the last one to end is a short one. */
const steps = [
  {
    name: 'types',
    command: ['tsc', '--noEmit', ...(onTerminal ? ['--pretty'] : []), '--tsBuildInfoFile', '.cache/check/types.tsbuildinfo'],
  },
  { name: 'tests', command: ['vitest', 'run', '--project', 'pure'], env: { DQ_SIMULATION_COUNT: '250' } },
  { name: 'page', command: ['svelte-check', '--tsconfig', 'src/review/ui/page/tsconfig.json', '--fail-on-warnings', '--output', 'human'] },
  { name: 'imports', command: ['depcruise', 'src', 'codegen', 'bench', 'load'] },
  { name: 'lint', command: ['oxlint'] },
  { name: 'format', command: ['biome', 'check', '--error-on-warnings'] },
];
const fixes = [
  { name: 'fix lint', command: ['oxlint', '--fix', '--quiet'] },
  { name: 'fix format', command: ['biome', 'check', '--write'] },
];

/** Runs a step to its end and prints its line. */
async function run({ name, command: [program, ...args], env = {} }) {
  const startedMs = performance.now();
  const child = spawn(join(root, 'node_modules', '.bin', program), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment, ...env },
  });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  const passed = await new Promise((resolve) => {
    child.on('error', (error) => {
      output.push(Buffer.from(`${error.message}\nRun \`npm run setup\` first.\n`));
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)}  ${seconds.padStart(5)} s`);
  if (!passed) console.log(Buffer.concat(output).toString().trimEnd());
  return passed;
}

const startedMs = performance.now();
if (flags.fix) for (const fix of fixes) await run(fix);

const wanted = steps.filter(({ name }) => !(flags.untested && name === 'tests'));
const waiting = [...wanted];
const failed = [];
async function lane() {
  for (let step = waiting.shift(); step; step = waiting.shift()) if (!(await run(step))) failed.push(step.name);
}
await Promise.all(Array.from({ length: Math.min(availableParallelism(), wanted.length) }, lane));

const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
console.log(failed.length > 0 ? `failed: ${failed.join(', ')} (${seconds} s)` : `all ${wanted.length} steps passed (${seconds} s)`);
process.exitCode = failed.length > 0 ? 1 : 0;
