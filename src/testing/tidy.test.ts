import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { minVersion, satisfies } from 'semver';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../lib/errors.ts';
import { metricsPrefix, metricsTable } from '../observe/metrics.ts';

/*
 * The habits of the house that neither formatter nor linter knows. A finding is one line: the place and what is wrong there.
 */

const linesMax = 400;
const functionLinesMax = 70;
const bannedNames = /^(utils?|helpers?|managers?|common|data)$/;

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** Every file of the repository, by its path from the root. */
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(new URL(path, root)));
const code = tracked.filter((path) => /\.(ts|mjs|cjs)$/.test(path) && !path.startsWith('codegen/golden/'));
const rooms = code.filter((path) => /^(src|codegen|bench|load)\/.*\.ts$/.test(path));
const trees = new Map(code.map((path) => [path, ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true)] as const));

/** What `look` finds in the syntax trees of `paths`. */
function findings(paths: readonly string[], look: (tree: ts.SourceFile, path: string) => Iterable<string>): string[] {
  return paths.flatMap((path) => [...look(trees.get(path) as ts.SourceFile, path)]);
}

function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

function linesOf(node: ts.Node, tree: ts.SourceFile): { from: number; count: number } {
  const from = tree.getLineAndCharacterOfPosition(node.getStart()).line;
  return { from: from + 1, count: tree.getLineAndCharacterOfPosition(node.getEnd()).line - from + 1 };
}

/** `describe` groups tests; its callback is a chapter, not a function that does something. */
function isChapter(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.expression.getText());
}

describe('size', () => {
  test(`no file is longer than ${linesMax} lines`, () => {
    const long = code.map((path) => [path, read(path).trimEnd().split('\n').length] as const).filter(([, lines]) => lines > linesMax);
    expect(long.map(([path, lines]) => `${path}: ${lines} lines`)).toEqual([]);
  });

  test(`no function is longer than ${functionLinesMax} lines`, () => {
    const long = findings(code, function* (tree, path) {
      for (const node of nodesOf(tree)) {
        if (!ts.isFunctionLike(node) || isChapter(node)) continue;
        const { from, count } = linesOf(node, tree);
        if (count > functionLinesMax) yield `${path}:${from}: ${count} lines`;
      }
    });
    expect(long).toEqual([]);
  });
});

describe('names', () => {
  test('files are named in kebab-case, and by what they hold', () => {
    const stems = code.map(
      (path) =>
        [
          path,
          basename(path)
            .split('.')
            .find((part) => part !== '') ?? '',
        ] as const,
    );
    const odd = stems.filter(([, stem]) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem) || bannedNames.test(stem));
    expect(odd.map(([path]) => path)).toEqual([]);
  });

  test('no folder is named utils, helpers, manager, common or data', () => {
    expect(tracked.filter((path) => path.split('/').some((part) => bannedNames.test(part)))).toEqual([]);
  });
});

describe('exports', () => {
  test('nothing is exported as default', () => {
    const defaults = findings(rooms, function* (tree, path) {
      for (const node of nodesOf(tree)) {
        const isDefault = ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword;
        if (isDefault && !ts.isDefaultClause(node.parent)) yield `${path}:${linesOf(node, tree).from}`;
      }
    });
    expect(defaults).toEqual([]);
  });

  test('only the door of the library is there to pass on what others export', () => {
    const barrels = findings(rooms, function* (tree, path) {
      const passedOn = tree.statements.filter((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier);
      const whole = passedOn.find((statement) => ts.isExportDeclaration(statement) && !statement.exportClause);
      if (whole) yield `${path}:${linesOf(whole, tree).from}`;
      else if (passedOn.length > 0 && tree.statements.every((one) => passedOn.includes(one) || ts.isImportDeclaration(one))) yield path;
    });
    expect(barrels.filter((place) => place !== 'src/index.ts')).toEqual([]);
    expect(rooms.filter((path) => basename(path) === 'index.ts' && path !== 'src/index.ts' && path !== 'src/native/index.ts')).toEqual([]);
  });
});

describe('pages', () => {
  test('every error code says its cause and remedy', () => {
    const documented = findings(['src/lib/errors.ts'], function* (tree) {
      for (const node of nodesOf(tree)) {
        if (ts.isPropertyAssignment(node) && ts.getJSDocCommentsAndTags(node).length > 0) yield node.name.getText();
      }
    });
    expect(Object.keys(errorCodes).filter((errorCode) => !documented.includes(errorCode))).toEqual([]);
  });

  test('every metric has its line in docs/metrics.md', () => {
    const page = read('docs/metrics.md');
    const names = Object.values(metricsTable).map(({ name }) => `${metricsPrefix}${name}`);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test('the dashboard and the alerts ask only for metrics that there are', () => {
    const known = new Set(Object.values(metricsTable).map(({ name }) => `${metricsPrefix}${name}`));
    const asked = tracked
      .filter((path) => path.startsWith('deploy/'))
      .flatMap((path) => [...read(path).matchAll(/\bdataquarantine_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')));
    expect(asked.length).toBeGreaterThan(0);
    expect([...new Set(asked)].filter((name) => !known.has(name))).toEqual([]);
  });

  test('every metric of ours is on the dashboard or in an alert', () => {
    const deployed = tracked
      .filter((path) => path.startsWith('deploy/'))
      .map(read)
      .join('\n');
    const names = Object.values(metricsTable).map(({ name }) => `${metricsPrefix}${name}`);
    expect(names.filter((name) => !deployed.includes(name))).toEqual([]);
  });
});

describe('packaging', () => {
  test('the image and the compose file set only variables that are settings', () => {
    const page = read('docs/settings.md');
    const set = ['Dockerfile', 'docker-compose.yml'].flatMap((path) => read(path).match(/\bDQ_[A-Z_]+/g) ?? []);
    expect(set.length).toBeGreaterThan(0);
    expect([...new Set(set)].filter((name) => !page.includes(`\`${name.replace(/_FILE$/, '')}\``))).toEqual([]);
  });

  test('the image is built with the libraries that set-up installs', async () => {
    const setUp: unknown = await import(new URL('scripts/setup/debian.mjs', root).href);
    const { clientLibraries } = setUp as { clientLibraries: readonly string[] };
    const [, installed = ''] = /^FROM \S+ AS build$[^]*?apt-get install([^&]*)/m.exec(read('Dockerfile')) ?? [];
    expect(clientLibraries.filter((name) => !installed.split(/\s+/).includes(name))).toEqual([]);
  });
});

describe('leftovers', () => {
  const texts = tracked.filter((path) => !/\.(png|jpe?g|gif|ico|jar|lock)$/.test(path));
  const matching = (pattern: RegExp, paths: readonly string[]) =>
    paths.flatMap((path) => {
      const lines = read(path).split('\n');
      return lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : []));
    });

  test('nothing is left to do in a comment', () => {
    expect(matching(/\b(T[O]DO|F[I]XME|X[X]X)\b/, texts)).toEqual([]);
  });

  test('no file names a package registry or a folder of one machine', () => {
    const hosts = /\b(registry\.npmjs|registry\.yarnpkg|artifactory|nexus|pypi\.org|repo\d?\.maven|proxy\.golang|jfrog)\b/i;
    const folders = /(^|[\s'"`(=:])\/(work|root|Users|home\/[a-z])\//;
    const others = texts.filter((path) => path !== 'src/testing/tidy.test.ts');
    expect(matching(hosts, others)).toEqual([]);
    expect(matching(folders, others)).toEqual([]);
  });
});

describe('versions', () => {
  interface Locked {
    readonly engines?: { readonly node?: string };
    readonly optional?: boolean;
  }
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, Locked>> };
  const refusing = (node: string) =>
    Object.entries(packages)
      .filter(([name, { engines: needs, optional }]) => name !== '' && needs?.node && !optional && !satisfies(node, needs.node))
      .map(([name, { engines: needs }]) => `${name} needs Node ${needs?.node}`);

  test('every locked package runs on the oldest Node that package.json promises', () => {
    expect(refusing(minVersion(engines.node)?.version ?? '')).toEqual([]);
  });

  test('every locked package runs on the Node of the image, which package.json promises too', () => {
    const majors = new Set([...read('Dockerfile').matchAll(/^FROM node:(\d+)-/gm)].map(([, major]) => major));
    expect(majors.size).toBe(1);
    const [image = ''] = [...majors].map((major) => `${major}.999.0`);
    expect(satisfies(image, engines.node)).toBe(true);
    expect(refusing(image)).toEqual([]);
  });
});

interface Law {
  readonly rooms: readonly { readonly rooms: readonly string[]; readonly mayImport: readonly string[] }[];
  readonly pathOf: (name: string) => string;
}

describe('the import law', () => {
  const { rooms: law, pathOf } = createRequire(import.meta.url)('../../scripts/import-law.cjs') as Law;

  test('its table is the one that ARCHITECTURE.md prints', () => {
    const section = /^## The rooms$(?<body>[^]*?)^## /m.exec(`${read('ARCHITECTURE.md')}\n## `)?.groups?.['body'] ?? '';
    const printed = section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, names, , mayImport]) => `${names?.replaceAll('`', '')}: ${mayImport?.replaceAll('`', '')}`);
    const words: Readonly<Record<string, string>> = { '': 'nothing', any: 'any of these' };
    const enforced = law.map(({ rooms: names, mayImport }) => `${names.join(', ')}: ${words[mayImport.join()] ?? mayImport.join(', ')}`);
    expect(printed).toEqual(enforced);
  });

  test('every file of src lies in a room', () => {
    const paths = law.flatMap(({ rooms: names }) => names.map((name) => new RegExp(pathOf(name))));
    const sources = rooms.filter((path) => path.startsWith('src/') && !path.endsWith('.test.ts'));
    const homeless = sources.filter((path) => !paths.some((room) => room.test(path)));
    expect(homeless).toEqual([]);
  });
});
