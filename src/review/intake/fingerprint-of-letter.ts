import { fingerprintOf } from '../../model/fingerprint.ts';
import type { Letter } from './read-letter.ts';

const charactersMax = 400;

/**
 * Names the cause of a dead letter: its family, the classes that were thrown, the names in its summary, and the first line of the message
 * without what differs from one message to the next.
 */
export function fingerprintOfLetter({ family, exceptions, message, summary }: Letter): string {
  const kind = JSON.stringify([family, exceptions, summary, message === null ? null : normalized(message)]);
  return fingerprintOf({ schema: null, keyword: 'dead_letter', foldedPath: null, kind });
}

/** The first line, without what is quoted and without words that have a digit in them: numbers, ids, times, addresses. */
export function normalized(message: string): string {
  const line = message.slice(0, charactersMax * 4).split(/[\r\n]/, 1)[0] ?? '';
  return line
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`/g, '…')
    .replaceAll(/[^\s…]*\d[^\s…]*/g, '#')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, charactersMax);
}
