import type { Database } from '../../drivers/postgres/database.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../observe/log.ts';
import { sendDue } from '../../store/alert-store.ts';

export interface WebhookOptions {
  readonly url: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

const lookMsInterval = 1_000;
const answerMsMax = 10_000;

/**
 * Sends alerts to the webhook of the settings, as CloudEvents in structured mode, one after another and each until it is taken with a
 * status of 200 to 299. A redirect is not followed: it could lead anywhere. An event that was taken just before a crash comes again
 * under the same id.
 */
export async function sendAlerts({ url, database, clock, log }: WebhookOptions, signal: AbortSignal): Promise<void> {
  const send = async (event: string) => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
        body: event,
        redirect: 'error',
        signal: AbortSignal.timeout(answerMsMax),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    } catch (error) {
      log.warn(`the webhook of alerts did not take an event: ${messageOf(error)}; trying again`);
      throw error;
    }
  };
  while (!signal.aborted) {
    const sent = await sendDue(database, send).catch(() => false);
    if (!sent) await clock.sleep(lookMsInterval, signal);
  }
}
