import { maskText, withoutUrlSecrets } from '../lib/mask.ts';
import type { About } from './setting.ts';

/** What a value may be where it is shown. */
export type Shown = string | number | boolean | null | readonly string[];

/** Does a librdkafka property hold something that must not be shown? */
export function isSecretEntry(name: string): boolean {
  if (/\.(url|location)$/i.test(name)) return false;
  return /password|passphrase|secret|token|credential|jaas|private|\.pem$|\.key$|_key$|oauthbearer\.(config|extensions)$/i.test(name);
}

/** `value` as it may be shown. `name` is the last part of the setting's name. */
export function masked(value: Shown, about: About, name: string): Shown {
  if (value === null) return value;
  switch (about.secret) {
    case 'no':
      return value;
    case 'whole':
      return maskText;
    case 'url':
      return typeof value === 'string' ? maskedUrl(value) : maskText;
    case 'entries':
      return isSecretEntry(name) ? maskText : value;
  }
}

/** The URL without its user, its password, and the values of telling parameters. */
function maskedUrl(text: string): string {
  return withoutUrlSecrets(text).replaceAll(/([?&][^=&#]*(?:password|secret|token|user)[^=&#]*=)[^&#]*/gi, `$1${maskText}`);
}
