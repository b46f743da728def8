import { sizeText } from './kinds.ts';
import { defaultOf, type KnownSetting, knownSettings } from './schema-tree.ts';

const introduction = `# Settings

<!-- Written by src/config/settings-page.ts from the schema in src/config/settings.ts. Change it there, then: npx vitest run src/config -u -->

A YAML file (\`--config FILE\`, else \`dataquarantine.yaml\` in the working folder if there is one) is overridden by the environment, and
the environment by flags (\`--set KEY=VALUE\`, as often as needed). Names that are not listed here are errors. \`dq config print\` shows
the effective settings and where each came from; secrets are masked.

- Any variable \`X\` can be given as \`X_FILE\`: the value is then read from that file. An empty variable counts as not set.
- Lists take commas in the environment and in flags. Sizes take a number of bytes, or \`64KiB\`, \`10MiB\`, \`1GB\`.
- Relative folders start at the working folder.
- \`<name>\` is a name of your own: a topic.
`;

/** The reference page, \`docs/settings.md\`. */
export function settingsPage(): string {
  const groups = new Set(knownSettings.map(({ path }) => path[0]));
  const chapters = [...groups].map((group) => {
    const rows = knownSettings.filter(({ path }) => path[0] === group).map(row);
    return [`## ${group}`, '', '| key | environment | default | what it does |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
  });
  return `${introduction}\n${chapters.join('\n')}`;
}

function row(known: KnownSetting): string {
  const { path, about } = known;
  const variable = about.environment === null ? '–' : `\`${about.environment}\``;
  return `| \`${path.join('.')}\` | ${variable} | ${about.fallback ?? defaultText(known)} | ${about.doc.replaceAll('|', '\\|')} |`;
}

function defaultText(known: KnownSetting): string {
  const value = defaultOf(known);
  if (typeof value === 'number' && known.about.unit === 'bytes') return sizeText(value);
  return `\`${Array.isArray(value) ? value.join(',') : String(value)}\``;
}
