import { clientLibraries, install, isDebian, mayInstall, missingOf, onPath } from './debian.mjs';
import { nodePackages } from './node-packages.mjs';
import { works } from './run.mjs';
import { connectFileProgram, kafkaProgram, s3Program, schemaRegistryProgram } from './server-programs.mjs';

const byMaven = [kafkaProgram, schemaRegistryProgram, connectFileProgram];

/**
 * The Debian packages that later steps need and that are not here. Elsewhere, or without the right to install, the later steps do
 * what they can: the client comes prebuilt, Docker Compose serves, or the step that fails names what to install.
 */
export const systemPackages = {
  name: 'system packages',
  isDone: async () => !isDebian || (await wanted()).length === 0 || !mayInstall(),
  run: async () => {
    const packages = await wanted();
    await install(packages);
    return `installed ${packages.join(' ')}`;
  },
};

async function wanted() {
  return [
    ...((await nodePackages.isDone()) ? [] : missingOf(clientLibraries)),
    // The allocator of the image: tests and bench run the service on it.
    ...missingOf(['libjemalloc2']),
    // What the tests open the review page with.
    ...(onPath('chromium') ? [] : ['chromium']),
    ...(onPath('java') ? [] : ['default-jre-headless']),
    ...(byMaven.every((program) => program.isFetched()) || onPath('mvn') ? [] : ['maven']),
    ...(s3Program.isFetched() || (await works('python3', '-m', 'pip', '--version')) ? [] : ['python3-pip']),
  ];
}
