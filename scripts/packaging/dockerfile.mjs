/** The stages of a Dockerfile, each with its instructions in order. Comments are dropped, continued lines joined. */
export function readDockerfile(text) {
  const joined = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, ' ');
  const stages = [];
  for (const line of joined.split('\n').filter((each) => each.trim() !== '')) {
    const [, instruction, rest] = /^\s*([A-Z]+)\s+(.*)$/.exec(line);
    const words = rest.trim().split(/\s+/);
    if (instruction === 'FROM') stages.push({ name: words[2] ?? String(stages.length), from: words[0], steps: [] });
    else stages.at(-1)?.steps.push({ instruction, rest: rest.trim(), words });
  }
  return stages;
}
