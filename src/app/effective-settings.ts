import { describeSettings, settingText } from '../config/describe-settings.ts';
import { type Origins, originText } from '../config/origin.ts';
import type { Settings } from '../config/settings.ts';
import type { EffectiveSetting } from '../review/contract/settings.ts';

/** The settings in force as the page shows them, secrets masked. */
export function effectiveSettings(settings: Settings, origins: Origins): EffectiveSetting[] {
  return describeSettings({ settings, origins }).map((shown) => ({
    key: shown.key,
    value: settingText(shown),
    origin: originText(shown.origin),
    default: shown.fallback,
    is_default: shown.origin.kind === 'default',
    doc: shown.doc,
  }));
}
