import type { Command } from 'commander';
import type { Io } from './io.ts';
import { addReviewOptions, type ReviewClientOptions, withReview } from './review-client.ts';

/** `dq erase`: the right is checked, the work itself comes later. */
export function registerErase(program: Command, io: Io): void {
  addReviewOptions(program.command('erase'))
    .description("erase a person's quarantined data everywhere (comes with a later version: it ends with 2)")
    .requiredOption('--subject <subject>', 'who')
    .action((options: ReviewClientOptions & { readonly subject: string }) =>
      withReview(io, options, async (client) => {
        await client.call('/erasures', { method: 'POST', body: { subject: options.subject } });
      }),
    );
}
