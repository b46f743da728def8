import { problemsOf, type SchemaReport } from './check-schemas.ts';

/** What a check found, as SARIF 2.1.0: the form that code hosts show beside the lines of a change. */
export function sarifOf(reports: readonly SchemaReport[], version: string): object {
  const issues = reports.flatMap((report) => report.issues.map((issue) => ({ ...issue, file: report.file })));
  const rules = [...new Set(issues.map(({ rule }) => rule))].map((id) => ({ id }));
  const results = issues.map(({ level, rule, text, file }) => {
    const [, path = file, line = '1', column = '1'] = placePattern.exec(text) ?? [];
    const region = { startLine: Number(line), startColumn: Number(column) };
    const artifactLocation = { uri: path.replaceAll('\\', '/') };
    return { ruleId: rule, level, message: { text }, locations: [{ physicalLocation: { artifactLocation, region } }] };
  });
  const driver = { name: 'dataquarantine', version, rules };
  return { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [{ tool: { driver }, results }] };
}

/** What a check found, as JUnit XML: one test case for each schema version. */
export function junitOf(reports: readonly SchemaReport[]): string {
  const failed = reports.filter((report) => problemsOf(report).length > 0).length;
  const cases = reports.map((report) => {
    const { name, version, file } = report;
    const problems = problemsOf(report);
    const head = `    <testcase classname="${escaped(name)}" name="${escaped(version)}" file="${escaped(file)}"`;
    if (problems.length === 0) return `${head}/>`;
    const [first = ''] = problems;
    return `${head}>\n      <failure message="${escaped(first)}">${escaped(problems.join('\n'))}</failure>\n    </testcase>`;
  });
  const counts = `tests="${reports.length}" failures="${failed}"`;
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n  <testsuite name="dq schemas check" ${counts}>`;
  return `${head}\n${cases.join('\n')}\n  </testsuite>\n</testsuites>\n`;
}

const placePattern = /^(.+?):(\d+):(\d+)/;

/** For XML, which has no place for control characters either. */
function escaped(text: string): string {
  const plain = Array.from(text, (letter) => (letter < ' ' && letter !== '\n' && letter !== '\t' ? '?' : letter)).join('');
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
