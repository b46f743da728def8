/**
 * `npm run fuzz`: libFuzzer over the native parts that read bytes from outside, under AddressSanitizer and UBSan. `--seconds N` is for
 * all targets together. Fails on any finding, and leaves the input that led to it in .cache/fuzz. Seeds lie in src/native/fuzz/corpus;
 * `--merge` puts what was found beside them, reduced to what each new path needs.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { byHand, install, mayInstall, missingOf, onPath } from './setup/debian.mjs';
import { root } from './setup/places.mjs';

/** Each target is a file of src/native/fuzz, with the sources that it needs beside itself. */
const targets = [
  { name: 'packed-headers', sources: [], simdjson: false, bytesMax: 4_096 },
  {
    name: 'judge',
    sources: ['catalog.cc', 'census.cc', 'evaluate.cc', 'formats.cc', 'pattern.cc', 'program.cc', 'simdjson.cc'],
    simdjson: true,
    bytesMax: 8_192,
  },
];

const packages = ['clang-14', 'libclang-rt-14-dev'];
const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, merge: { type: 'boolean', default: false } },
});
const fuzzDir = path.join(root, 'src', 'native', 'fuzz');
const workDir = path.join(root, '.cache', 'fuzz');

const compiler = await compilerHere();
if (!compiler) {
  console.error(`fuzz: no clang with libFuzzer is here. What to do by hand: ${byHand(packages)}`);
  process.exit(1);
}
const seconds = Number(flags.seconds) / targets.length;
for (const target of targets) await fuzz(target);

async function compilerHere() {
  const found = () => ['clang++-14', 'clang++'].find(onPath);
  if (missingOf(packages).length === 0 || (!mayInstall() && found())) return found();
  if (!mayInstall()) return null;
  await install(packages);
  return found();
}

async function fuzz({ name, sources, simdjson, bytesMax }) {
  const program = path.join(workDir, `${name}.fuzzer`);
  const grown = path.join(workDir, name);
  const seeds = path.join(fuzzDir, 'corpus', name);
  mkdirSync(grown, { recursive: true });
  const include = path.join(root, 'node_modules', '@nozbe', 'simdjson', 'src');
  const code = [path.join(fuzzDir, `${name}.cc`), ...sources.map((source) => path.join(root, 'src', 'native', 'cc', source))];
  const checks = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all', '-g', '-O1'];
  await run([compiler, '-std=c++17', ...checks, ...(simdjson ? ['-isystem', include] : []), ...code, '-o', program]);
  const limits = [`-max_len=${bytesMax}`, '-timeout=5', '-rss_limit_mb=1024', `-artifact_prefix=${workDir}/${name}-`];
  const dictionary = path.join(fuzzDir, `${name}.dict`);
  const words = existsSync(dictionary) ? [`-dict=${dictionary}`] : [];
  await run([program, ...limits, ...words, `-max_total_time=${Math.ceil(seconds)}`, '-verbosity=0', '-print_final_stats=1', grown, seeds]);
  if (flags.merge) await run([program, ...limits, '-merge=1', '-verbosity=0', seeds, grown]);
  console.log(`fuzz: ${name}: nothing found in ${Math.ceil(seconds)} s; ${readdirSync(seeds).length} seeds`);
}

/** Ends this process with the output of what failed. */
async function run([file, ...args]) {
  const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', resolve);
  });
  if (code === 0) return;
  console.error(`fuzz: ${path.basename(file)} failed (${code})\n${Buffer.concat(output)}`);
  process.exit(1);
}
