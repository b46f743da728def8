import { performance } from 'node:perf_hooks';
import { build, pageBuild, validators } from './build.mjs';
import { withLock } from './lock.mjs';
import { native } from './native.mjs';
import { nodePackages } from './node-packages.mjs';
import { endRunning, SetupError } from './run.mjs';
import { schemaSuite } from './schema-suite.mjs';
import { connectFileProgram, kafkaProgram, postgresProgram, s3Program, schemaRegistryProgram } from './server-programs.mjs';
import { systemPackages } from './system-packages.mjs';
import { commands, follow } from './then.mjs';

/** Every step knows by itself whether it is done; a second set-up therefore only looks. */
const steps = [systemPackages, nodePackages, native, build, pageBuild, validators, postgresProgram, kafkaProgram, s3Program, schemaSuite];

/** What tests alone need is not fetched for a demo. */
const testSteps = [schemaRegistryProgram, connectFileProgram];

/** A step that builds or fetches for minutes shows that it is alive. */
const heartbeatMs = 20_000;

const usage = `Usage: node setup.mjs [--quiet-if-ready] [--then ${Object.keys(commands).join('|')} [ARGUMENT…]]\n`;

export async function main(args) {
  const then = args.indexOf('--then');
  const own = then === -1 ? args : args.slice(0, then);
  const [command, ...rest] = then === -1 ? [null] : args.slice(then + 1);
  if (own.some((arg) => arg !== '--quiet-if-ready') || (command !== null && !commands[command])) {
    process.stderr.write(usage);
    return 2;
  }
  const wanted = command === null || command === 'test' ? [...steps, ...testSteps] : steps;
  const ready = await setUp(wanted, { quiet: own.includes('--quiet-if-ready') });
  if (!ready) return 1;
  return command === null ? 0 : await follow(commands[command], rest);
}

async function setUp(wanted, { quiet }) {
  const started = performance.now();
  const forget = endOnSignals();
  try {
    const missing = await missingOf(wanted);
    if (missing.length > 0) await withLock(() => takeAll(wanted));
    else if (!quiet) for (const step of wanted) say(`${step.name}: there`);
    say(missing.length === 0 ? `all there (${since(started)})` : `done in ${since(started)}`);
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`failed. ${error.message}`);
    if (error.remedy) say(`what to do by hand: ${error.remedy}`);
    return false;
  } finally {
    forget();
  }
}

async function missingOf(wanted) {
  const missing = [];
  for (const step of wanted) if (!(await step.isDone())) missing.push(step);
  return missing;
}

/** The programs of the servers come over the network while the client is compiled: side by side they take half the time. */
async function takeAll(wanted) {
  await take(systemPackages);
  const inOrder = async (chain) => {
    for (const step of chain) if (wanted.includes(step)) await take(step);
  };
  const chains = [
    [nodePackages, native, build, pageBuild, validators, postgresProgram],
    [kafkaProgram, schemaRegistryProgram, connectFileProgram],
    [s3Program, schemaSuite],
  ];
  const ended = await Promise.allSettled(chains.map(inOrder));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
}

async function take(step) {
  if (await step.isDone()) return;
  const started = performance.now();
  say(`${step.name} …`);
  const waiting = setInterval(() => say(`${step.name}: still at it (${since(started)})`), heartbeatMs);
  const note = await step.run().finally(() => clearInterval(waiting));
  say(`${step.name}: ${note ?? 'done'} (${since(started)})`);
}

function endOnSignals() {
  const end = (signal) => {
    endRunning();
    say(`ended by ${signal}`);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  return () => process.off('SIGINT', end).off('SIGTERM', end);
}

/** Progress goes to stderr, so that stdout carries what the command prints and nothing else. */
function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

function since(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
