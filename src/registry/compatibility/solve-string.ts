import { type Answer, none, open, some } from './answer.ts';
import type { Clause, Solving } from './clause.ts';
import { formatLanguage, formatSamples, isWithin } from './known-formats.ts';
import { type Language, TooManyStates } from './regular-language.ts';

/** No witness is longer. */
const lengthMax = 1_000_000;
const textsMax = 6;

/** Finds a text that fulfils the clause, or proves that there is none. Lengths are in code points. */
export function solveString(clause: Clause, solving: Solving): Answer {
  const constants = [...clause.yes].flatMap((claim) => (claim.op === 'const' ? [claim.value] : []));
  if (constants.length > 0) return tried(constants.slice(0, 1), clause, solving) ?? none;
  const { least, most } = lengthsOf(clause);
  if (least > most || clashing(clause)) return none;
  const parts = languagesOf(clause, solving);
  if (parts.length === 0) return tried([...samplesOf(clause), ...plainTexts(least, most)], clause, solving) ?? (most === 0 ? none : open);
  const excluded = [...clause.no].flatMap((claim) =>
    claim.op === 'const' ? [solving.languages.not(solving.languages.text(String(claim.value)))] : [],
  );
  return explored({ clause, solving, parts: [...parts, ...excluded], least, most });
}

function tried(texts: Iterable<unknown>, clause: Clause, solving: Solving): Answer | null {
  let unsure: Answer | null = null;
  for (const text of texts) {
    const holds = solving.fulfils(clause, text);
    if (holds === true) return some(text);
    if (holds === null) unsure ??= some(text, false);
  }
  return unsure;
}

function lengthsOf({ yes, no }: Clause): { least: number; most: number } {
  let least = 0;
  let most = Infinity;
  for (const claim of yes) {
    if (claim.op === 'lengthLeast') least = Math.max(least, Math.ceil(claim.limit));
    if (claim.op === 'lengthMost') most = Math.min(most, Math.floor(claim.limit));
  }
  for (const claim of no) {
    if (claim.op === 'lengthLeast') most = Math.min(most, Math.ceil(claim.limit) - 1);
    if (claim.op === 'lengthMost') least = Math.max(least, Math.floor(claim.limit) + 1);
  }
  return { least, most };
}

/**
 * Languages that every text of the clause lies in. What is not known exactly is wider or left out: that their intersection is empty is
 * a proof in any case, and a text of it is tried before it is believed.
 */
function languagesOf({ yes, no }: Clause, solving: Solving): Language[] {
  const parts: Language[] = [];
  const take = (known: Language | null, exact: boolean, denied: boolean) => {
    if (known !== null && (exact || !denied)) parts.push(denied ? solving.languages.not(known) : known);
  };
  for (const [claims, denied] of [
    [yes, false],
    [no, true],
  ] as const) {
    for (const claim of claims) {
      if (claim.op === 'pattern') take(solving.language(claim.source, 'u'), true, denied);
      if (claim.op !== 'format') continue;
      const known = formatLanguage(claim.name);
      if (known) take(solving.language(known.source, known.flags), known.exact, denied);
    }
  }
  return parts;
}

interface Exploration {
  readonly clause: Clause;
  readonly solving: Solving;
  readonly parts: readonly Language[];
  readonly least: number;
  readonly most: number;
}

/** First without the lengths, which make many states; with them only where they decide. */
function explored({ clause, solving, parts, least, most }: Exploration): Answer {
  const { languages } = solving;
  const samples = samplesOf(clause);
  try {
    const wide = languages.and(parts);
    const first = languages.shortest(wide);
    if (first === null) return none;
    const early = tried([first, ...samples], clause, solving);
    if (early?.status === 'some' && early.sure) return early;
    const bounded = least > 0 || most < Infinity ? languages.and([wide, languages.times(languages.character, least, most)]) : wide;
    const answer = fromBounded(bounded, clause, solving);
    return answer.status === 'open' && early ? early : answer;
  } catch (error) {
    if (!(error instanceof TooManyStates)) throw error;
    return tried([...samples, ...plainTexts(least, most)], clause, solving) ?? open;
  }
}

function fromBounded(bounded: Language, clause: Clause, solving: Solving): Answer {
  const { languages } = solving;
  let left = bounded;
  for (let count = 0; count < textsMax; count += 1) {
    const text = languages.shortest(left);
    if (text === null) return none;
    const answer = tried([text], clause, solving);
    if (answer) return answer;
    left = languages.and([left, languages.not(languages.text(text))]);
  }
  return open;
}

function samplesOf({ yes }: Clause): string[] {
  return [...yes].flatMap((claim) => (claim.op === 'format' ? formatSamples(claim.name) : []));
}

function clashing({ yes, no }: Clause): boolean {
  const denied = [...no].flatMap((claim) => (claim.op === 'format' ? [claim.name] : []));
  return [...yes].some((claim) => claim.op === 'format' && denied.some((name) => isWithin(claim.name, name)));
}

/** Texts of allowed lengths, different from each other, for where only lengths and exclusions count. */
function* plainTexts(least: number, most: number): Generator<string> {
  if (least > lengthMax) return;
  if (least === 0) yield '';
  const longest = Math.min(most, Math.max(least, 1) + 8);
  for (let length = Math.max(least, 1); length <= longest; length += 1) {
    for (const letter of 'axZ0 é') yield letter.repeat(length);
  }
  for (let number = 0; number < 300; number += 1) {
    const text = `v${number}`;
    if (text.length <= most) yield text.padEnd(Math.max(least, text.length), '-');
  }
}
