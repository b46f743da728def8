import { maskText, withoutUrlSecrets } from '../lib/mask.ts';
import type { About } from './settings.ts';

/** Does a librdkafka property hold something that must not be shown? */
export function isSecretEntry(name: string): boolean {
  if (/\.(url|location)$/i.test(name)) return false;
  return /password|passphrase|secret|token|credential|jaas|private|\.pem$|\.key$|_key$|oauthbearer\.(config|extensions)$/i.test(name);
}

/** `value` as it may be shown. `name` is the last part of the setting's name. */
export function masked(value: unknown, about: About, name: string): unknown {
  if (value === null || value === undefined) return value;
  switch (about.secret) {
    case 'no':
      return value;
    case 'whole':
      return maskText;
    case 'url':
      return maskedUrl(String(value));
    case 'entries':
      return isSecretEntry(name) ? maskText : value;
  }
}

/** The URL without its user, its password, and the values of telling parameters. */
function maskedUrl(text: string): string {
  return withoutUrlSecrets(text).replaceAll(/([?&][^=&#]*(?:password|secret|token|user)[^=&#]*=)[^&#]*/gi, `$1${maskText}`);
}
