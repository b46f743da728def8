/** Characters that are not seen, or change the order in which others are seen: a payload could deceive by them. */
const unseen = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with every such character written out by its number. */
export function visible(text: string): string {
  return text.replace(unseen, (character) => `⟨U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

interface Failure {
  readonly error_message: string;
  readonly field_path: string | null;
}

/** What went wrong, in one line: the field, which may be named by a payload, and what was expected there. */
export function failureText({ error_message: message, field_path: field }: Failure): string {
  if (field !== null && field !== '') return `${visible(field)}: ${message}`;
  return message.charAt(0).toUpperCase() + message.slice(1);
}

/** What the records of a cause have in common. Of texts that are no JSON, each breaks in its own way, and the message is that of the newest. */
export function causeText(cause: Failure & { readonly error_type: string }): string {
  return cause.error_type === 'malformed_json' ? 'Expected JSON, found something else' : failureText(cause);
}

/** Can one change over all records of a cause of this kind mend them? */
export function isJson(errorType: string): boolean {
  return errorType !== 'malformed_json' && errorType !== 'invalid_utf8';
}

/** The payload as text, or null where it is not UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
