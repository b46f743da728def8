/** What stands where a secret would. */
export const maskText = '********';

/** `scheme://user:password@host` becomes `scheme://********@host`, wherever it stands in `text`. */
export function withoutUrlSecrets(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, `$1${maskText}@`);
}
