import { HttpRefusal } from '../../drivers/http/problem.ts';
import { type EffectiveSetting, settingsList } from '../contract/settings.ts';
import { callerOf, type ReviewServer, refusals } from './review-server.ts';

export interface SettingsRoutesOptions {
  /** What is in force in this process, secrets masked. */
  readonly settings: readonly EffectiveSetting[];
}

/** What is in force and where it comes from: where things run is the business of those who run them. */
export function addSettingsRoutes(server: ReviewServer, { settings }: SettingsRoutesOptions): void {
  server.get(
    '/api/v1/settings',
    {
      config: { role: 'operator' },
      schema: { summary: 'The effective settings and where each came from, secrets masked', response: { 200: settingsList, ...refusals } },
    },
    async (request) => {
      if (callerOf(request).topicPrefixes.length > 0)
        throw new HttpRefusal(403, 'Settings name all topics and tokens; this caller is held to some topics.');
      return { items: [...settings], next_cursor: null };
    },
  );
}
