'use strict';

const { pathOf, rooms, testingIsFor, vendors } = require('./scripts/import-law.cjs');

const tests = '\\.test\\.ts$';
const quote = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Where running begins: the command line, the library, a worker thread, and the tools around them. */
const doors = [
  '^src/cli/main\\.ts$',
  '^src/index\\.ts$',
  '^src/workers/worker\\.ts$',
  '^src/workers/compare-worker\\.ts$',
  '^src/review/ui/page/main\\.ts$',
  '^(codegen|bench|load)/',
];

const roomRules = rooms
  .filter(({ mayImport }) => !mayImport.includes('any'))
  .flatMap(({ rooms: names, mayImport, why }) =>
    names.map((name) => ({
      name: `${name} imports ${mayImport.length > 0 ? `only ${mayImport.join(', ')}` : 'no room'}`,
      comment: why,
      severity: 'error',
      from: { path: pathOf(name), pathNot: tests },
      to: { path: '^src/', pathNot: [pathOf(name), ...mayImport.map(pathOf)] },
    })),
  );

const vendorRules = vendors.flatMap(({ libraries, places, why }) =>
  libraries.map((library) => ({
    name: `${library} only in ${places.join(', ')}`,
    comment: why,
    severity: 'error',
    from: { pathNot: [tests, ...places.map((place) => `^${quote(place)}`)] },
    to: { path: `(^|/)node_modules/(@types/)?${quote(library)}/` },
  })),
);

const knownLibraries = vendors.flatMap(({ libraries }) => libraries).map((library) => `(^|/)node_modules/(@types/)?${quote(library)}/`);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...roomRules,
    ...vendorRules,
    {
      name: 'every library has a room',
      comment: 'A vendor library is imported in one room only. Add a row to scripts/import-law.cjs.',
      severity: 'error',
      from: { pathNot: tests },
      to: { path: '(^|/)node_modules/', pathNot: knownLibraries },
    },
    {
      name: 'the worker cannot reach the Kafka client',
      comment: 'It does not load in a thread (NODE_MODULE and the default loop): the pool would die at its first task.',
      severity: 'error',
      from: { path: '^src/workers/worker\\.ts$' },
      to: { path: '(^|/)node_modules/@confluentinc/kafka-javascript/', reachable: true },
    },
    {
      name: 'testing is for tests',
      comment: 'It starts servers and breaks things on purpose.',
      severity: 'error',
      from: { path: '^src/', pathNot: testingIsFor },
      to: { path: '^src/testing/' },
    },
    {
      name: 'nobody imports a test',
      comment: 'What two tests share belongs into testing.',
      severity: 'error',
      from: {},
      to: { path: tests },
    },
    {
      name: 'src imports no tool',
      comment: 'The service is built without them.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(codegen|bench|load|scripts)/' },
    },
    {
      name: 'every file is used',
      comment: 'What no door leads to is dead code, though a test may keep it warm.',
      severity: 'error',
      from: { path: doors },
      // The reference pages in docs are written by their tests; the page, which is built apart, uses shapes of the contract as well.
      to: { path: '^src/', pathNot: [tests, '^src/review/contract/', '^src/testing/', '-page\\.ts$', ...doors], reachable: false },
    },
    {
      name: 'no circles',
      comment: 'Two files in a circle are one file in two places.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'every import is found',
      comment: 'A misspelt path, or a package that package.json does not name.',
      severity: 'error',
      from: {},
      // k6 brings its own modules.
      to: { couldNotResolve: true, pathNot: '^k6(/|$)' },
    },
    {
      name: 'the service needs no development dependency',
      comment: 'The image is built without them; of the page it has the build alone.',
      severity: 'error',
      from: { path: '^src/', pathNot: [tests, '^src/testing/', '^src/review/ui/'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '(^|/)node_modules/@types/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '^codegen/golden/' },
    doNotFollow: { path: ['(^|/)node_modules/', '(^|/)generated/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default', 'require'],
      mainFields: ['module', 'main', 'types', 'typings'],
    },
    skipAnalysisNotInRules: true,
  },
};
