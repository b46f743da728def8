#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { setFlagsFromString } = require('node:v8');

// The Kafka client, the file system and DNS share libuv's threads, whose number is fixed when the first of them is used.
process.env.UV_THREADPOOL_SIZE ??= '16';
// `dq doctor` says in one line of its own when Node is too old; the AWS SDK would print seven at every start.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

// By default V8 lets the heap grow to twice what lives in it and more before it looks for what does not; here memory is dearer than that time.
setUnlessGiven('--heap-growing-percent=50');
// V8 of Node 20 optimizes a function after 66 KiB of its bytecode: hundreds that run once a batch, while messages wait. Later ones count calls.
if (Number.parseInt(process.versions.v8, 10) < 12) setUnlessGiven('--interrupt-budget=1000000');

function setUnlessGiven(flag) {
  const name = flag.slice(0, flag.indexOf('='));
  if (!process.execArgv.some((given) => given.replaceAll('_', '-').split('=')[0] === name)) setFlagsFromString(flag);
}

const built = join(__dirname, '..', 'dist', 'src', 'cli', 'main.js');
if (existsSync(built)) {
  void import(pathToFileURL(built).href).then(({ main }) => main());
} else {
  process.stderr.write('dq: not built yet. Run `npm run setup` in the folder of DataQuarantine first.\n');
  process.exitCode = 2;
}
