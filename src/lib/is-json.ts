import { isUtf8 } from 'node:buffer';

/** Are the bytes one JSON value in UTF-8? It is parsed to know it. */
export function isJson(bytes: Buffer): boolean {
  if (bytes.length === 0 || !isUtf8(bytes)) return false;
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}
