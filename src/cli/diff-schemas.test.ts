import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../lib/package-root.ts';
import type { Compatibility } from '../registry/compatibility/compare-schemas.ts';
import { dq } from '../testing/command-line.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-diff-'));
});
afterAll(() => rm(folder, { recursive: true }));

const userEvent = (version: string) => join(packageRoot, 'schemas', 'user_event', `${version}.yaml`);

async function place(path: string, text: string): Promise<string> {
  const whole = join(folder, path);
  await mkdir(join(whole, '..'), { recursive: true });
  await writeFile(whole, text);
  return whole;
}

describe('dq schemas diff', () => {
  test('the next version of user_event is backward compatible, and not forward', async () => {
    const backward = await dq(`schemas diff ${userEvent('1.0.0')} ${userEvent('1.1.0')} --json`);
    expect([backward.exitCode, JSON.parse(backward.stdout)]).toEqual([0, { compatible: true, mode: 'backward', findings: [] }]);
    const forward = await dq(`schemas diff ${userEvent('1.0.0')} ${userEvent('1.1.0')} --mode forward_transitive --json`);
    const { compatible, mode, findings } = JSON.parse(forward.stdout) as Compatibility;
    expect([forward.exitCode, compatible, mode]).toEqual([1, false, 'forward_transitive']);
    expect(findings.map(({ rule }) => rule)).toEqual(['property_added', 'property_added', 'enum_widened']);
    expect(Object.keys(findings[0] ?? {})).toEqual(['rule', 'path', 'message', 'witness']);
  });

  test('who breaks user_event sees in one screen what broke, who is hit, and what to write instead', async () => {
    const text = await readFile(userEvent('1.1.0'), 'utf8');
    const broken = text
      .replace('timestamp]', 'timestamp, country]')
      .replace('purchase, search]', 'purchase]')
      .replace(/ +session_id.*\n/, '');
    const path = await place('broken.yaml', broken.replace('1.1.0', '1.2.0'));
    const { exitCode, stdout } = await dq(`schemas diff ${userEvent('1.1.0')} ${path}`);
    expect(exitCode).toBe(1);
    expect(stdout.split('\n').length).toBeLessThan(30);
    const words = stdout.replaceAll(/\s+/g, ' ');
    for (const rule of [
      'required_added at /required',
      'property_removed at /properties/session_id',
      'enum_narrowed at /properties/event_type',
    ]) {
      expect(words).toContain(rule);
    }
    expect(words).toContain('Producers that still send what the older version allows would have their messages quarantined.');
    expect(words).toContain('Instead: take "country" out of required');
    expect(words).toContain('for example {"user_id":"USER000000","event_type":"search","timestamp":"2024-01-31T12:00:00Z"}');
    expect(stdout.match(/Producers that still send/g)).toHaveLength(1);
    expect(words).toContain(
      'owner web-analytics topics raw-events, where messages name it themselves producers not known without a database',
    );
    expect(words).toContain(`how many dq schemas whatif user_event ${path}`);
  });

  test('topics are told by the settings, and what is wrong with those changes nothing of the answer', async () => {
    const newer = await place('narrow.yaml', 'name: user_event\nversion: 2.0.0\nschema: { type: object, required: [never] }\n');
    const env = { DQ_KAFKA_SOURCE_TOPICS: 'clicks' };
    const config = await place('dq.yaml', 'topics: { clicks: { schema: user_event }, views: { allowed: [user_event] } }\n');
    const told = await dq(`schemas diff ${userEvent('1.1.0')} ${newer} --config ${config}`, { env });
    expect([told.exitCode, told.stdout]).toEqual([
      1,
      expect.stringContaining('clicks (topics.clicks.schema), views (topics.views.allowed)'),
    ]);
    const wrong = await dq(`schemas diff ${userEvent('1.1.0')} ${newer} --set nonsense=1`);
    expect([wrong.exitCode, wrong.stdout]).toEqual([1, expect.stringContaining('not known: ')]);
    const forward = await dq(`schemas diff ${newer} ${userEvent('1.1.0')} --mode forward`, { env });
    expect(forward.stdout).toMatch(/Consumers that still read[^]*consumers +those of validated-events\n$/);
  });

  test('mode none asks for nothing', async () => {
    const [a, b] = [await place('a.json', '{"type":"string"}'), await place('b.json', '{"type":"integer"}')];
    const { exitCode, stdout } = await dq(`schemas diff ${a} ${b} --mode none --json`);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { compatible: true, mode: 'none', findings: [] }]);
  });

  test('what stays open is said, with exit code 1', async () => {
    const a = await place('open-a.json', '{"type":"string","pattern":"^(a+)\\\\1$"}');
    const b = await place('open-b.json', '{"type":"string","pattern":"^(aa)+$"}');
    const { exitCode, stdout } = await dq(`schemas diff ${a} ${b} --json`);
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([
      1,
      { compatible: null, findings: [{ rule: 'undecided', path: '/pattern', witness: null }] },
    ]);
  });

  test('a schema that does not compile is named with its place', async () => {
    const a = await place('sound.json', '{}');
    const b = await place('unsound.json', '{\n  "properties": { "a": { "type": "nonsense" } }\n}');
    const { exitCode, stderr } = await dq(`schemas diff ${a} ${b}`);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('unsound.json:2:34 at /properties/a/type');
    expect((await dq(`schemas diff ${a} ${b} --mode sideways`)).exitCode).toBe(2);
  });
});

describe('dq schemas check', () => {
  const version = (number: string, required: string) =>
    `name: thing\nversion: ${number}\nschema:\n  type: object\n  required: ${required}\n`;

  test('the example schemas are good, and none of their versions breaks with the one before it', async () => {
    const { exitCode, stdout } = await dq(`schemas check ${join(packageRoot, 'schemas')} --json`);
    const { ok, schemas } = JSON.parse(stdout) as {
      ok: boolean;
      schemas: readonly { examples: number; compatibility: readonly object[] }[];
    };
    expect([exitCode, ok]).toEqual([0, true]);
    expect(schemas.every(({ examples }) => examples > 0)).toBe(true);
    expect(schemas.flatMap(({ compatibility }) => compatibility)).toEqual([
      { from: '1.0.0', may_break: false, compatible: true, mode: 'backward', findings: [] },
    ]);
  });

  test('a version that breaks with the one before it is bad, for people, SARIF and JUnit', async () => {
    await place('minor/thing/1.0.0.yaml', version('1.0.0', '[id]'));
    await place('minor/thing/1.1.0.yaml', version('1.1.0', '[id, at]'));
    const [sarif, junit] = [join(folder, 'out.sarif'), join(folder, 'out.xml')];
    const { exitCode, stdout } = await dq(`schemas check ${join(folder, 'minor')} --sarif ${sarif} --junit ${junit}`);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('required_added');
    const { runs } = JSON.parse(await readFile(sarif, 'utf8'));
    expect(runs[0].results).toMatchObject([
      {
        ruleId: 'required_added',
        level: 'error',
        locations: [{ physicalLocation: { artifactLocation: { uri: expect.stringMatching(/1\.1\.0\.yaml$/) }, region: { startLine: 5 } } }],
      },
    ]);
    const xml = await readFile(junit, 'utf8');
    expect(xml).toContain('<testsuites tests="2" failures="1">');
    expect(xml).toContain('&quot;at&quot; is required');
  });

  test('a new major version may break, with a warning', async () => {
    await place('major/thing/1.0.0.yaml', version('1.0.0', '[id]'));
    await place('major/thing/2.0.0.yaml', version('2.0.0', '[id, at]'));
    const { exitCode, stdout } = await dq(`schemas check ${join(folder, 'major')} --json`);
    const { ok, schemas } = JSON.parse(stdout);
    expect([exitCode, ok]).toEqual([0, true]);
    expect(schemas[1]).toMatchObject({ problems: [], compatibility: [{ from: '1.0.0', may_break: true, compatible: false }] });
    expect(schemas[1].warnings[0]).toContain('required_added (against 1.0.0)');
  });

  test('a transitive mode looks past the version before', async () => {
    await place('long/thing/1.0.0.yaml', version('1.0.0', '[]'));
    await place('long/thing/1.1.0.yaml', version('1.1.0', '[id]'));
    await place('long/thing/1.2.0.yaml', version('1.2.0', '[id]'));
    const stepsOf = async (mode: string): Promise<unknown[]> => {
      const { stdout } = await dq(`schemas check ${join(folder, 'long')} --mode ${mode} --json`);
      const { schemas } = JSON.parse(stdout) as { schemas: readonly { compatibility: readonly Compatibility[] }[] };
      return (schemas[2]?.compatibility ?? []).map(({ compatible: answer }) => answer);
    };
    expect(await stepsOf('backward')).toEqual([true]);
    expect(await stepsOf('backward_transitive')).toEqual([false, true]);
    expect(await stepsOf('none')).toEqual([]);
  });
});
