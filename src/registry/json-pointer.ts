const pointer = /^(?:\/(?:[^~/]|~[01])*)*$/;

export function isJsonPointer(text: string): boolean {
  return pointer.test(text);
}

/** The segments of a JSON Pointer (RFC 6901), unescaped. The empty pointer is the whole document: no segments. */
export function parsePointer(text: string): string[] {
  return text
    .split('/')
    .slice(1)
    .map((segment) => (segment.includes('~') ? segment.replaceAll('~1', '/').replaceAll('~0', '~') : segment));
}

export function formatPointer(segments: readonly (string | number)[]): string {
  return segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
