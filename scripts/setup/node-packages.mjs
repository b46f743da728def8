import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { byHand, clientLibraries, isDebian, missingOf } from './debian.mjs';
import { root } from './places.mjs';
import { run, SetupError } from './run.mjs';
import { Stamp } from './stamp.mjs';

const client = '@confluentinc/kafka-javascript';
const builtFor = `${process.platform} ${process.arch} ${process.versions.modules}`;
/** The build of the client is what fails first on a bare machine; it shows in the log. */
const remedyFor = (log) => {
  if (!/gyp/.test(log)) return 'an npm registry that answers';
  return isDebian
    ? byHand(clientLibraries)
    : 'a C++ compiler, make, Python 3 and the development files of libcurl, OpenSSL, SASL, zlib, lz4 and zstd';
};

const stamp = new Stamp('node_modules/.dataquarantine-built-for');

/** The npm packages as package-lock.json has them, with the Kafka client built for this version of Node. */
export const nodePackages = {
  name: 'npm packages and the Kafka client',
  isDone: async () => matchLock() && (stamp.says(builtFor) || (await adoptBuild())),
  run: async () => {
    // Not `npm ci`: it refuses a lock that was made where a registry offers the optional packages of this platform alone.
    await run('npm-install', [...npm(), 'install', '--no-save', '--include=dev', '--no-audit', '--no-fund'], {
      remedy: remedyFor,
      env: buildSettings(),
    });
    if (!(await clientLoads())) throw new SetupError(`${client} was installed and does not load.`, remedyFor('gyp'));
    stamp.write(builtFor);
  },
};

/** Is every package of the lock here in its version? npm keeps a lock of what it installed, so a developer's `npm install` counts too. */
function matchLock() {
  const wanted = packagesOf('package-lock.json');
  const installed = packagesOf('node_modules/.package-lock.json');
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([name, { version, optional }]) => {
    const here = installed[name];
    return name === '' || (here ? here.version === version : optional === true);
  });
}

function packagesOf(file) {
  const full = path.join(root, file);
  return existsSync(full) ? JSON.parse(readFileSync(full, 'utf8')).packages : null;
}

/** Packages that somebody installed by hand are taken over when the client loads. */
async function adoptBuild() {
  const loads = await clientLoads();
  if (loads) stamp.write(builtFor);
  return loads;
}

async function clientLoads() {
  try {
    await run('kafka-client', [process.execPath, '-e', `require('${client}')`], { remedy: '' });
    return true;
  } catch {
    return false;
  }
}

/** The npm that called us, or the one on the path. */
function npm() {
  const caller = process.env.npm_execpath;
  return caller?.endsWith('.js') ? [process.execPath, caller] : ['npm'];
}

/**
 * The client is built against the system's libraries: that leaves librdkafka with its headers, which the prebuilt client lacks.
 * Where the libraries are missing and may not be installed, the prebuilt client must do.
 */
function buildSettings() {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const headersAreHere = existsSync(path.join(prefix, 'include', 'node', 'node.h'));
  const fromSource = isDebian && missingOf(clientLibraries).length === 0;
  return {
    npm_config_ignore_scripts: 'false',
    ...(headersAreHere && { npm_config_nodedir: prefix }),
    ...(fromSource && { CKJS_LINKING: 'dynamic', npm_config_build_from_source: 'true' }),
  };
}
