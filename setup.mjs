// Sets the clone up on Node's built-ins alone: `node setup.mjs [--quiet-if-ready] [--then demo|test|services|load|bench|chaos|bench:compare [ARGS…]]`.
// Only the check of Node itself stands here: whatever older versions cannot run is imported after it.
const [major, minor, patch] = process.versions.node.split('.').map(Number);
if (major < 20 || major > 24 || (major === 20 && (minor < 19 || (minor === 19 && patch < 4)))) {
  console.error(
    `DataQuarantine runs on Node 20.19.4 to 24; this is ${process.versions.node}. Install by hand: Node 24 (nodejs.org or a version manager).`,
  );
  process.exit(1);
}
const { main } = await import('./scripts/setup/main.mjs');
process.exitCode = await main(process.argv.slice(2));
