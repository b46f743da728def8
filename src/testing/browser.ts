import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach } from 'vitest';
import { requireSuffix } from './require-suffix.ts';

requireSuffix('browser.ts', ['browser']);

export interface PageOptions {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
}

/** A page of a browser of its own profile. */
export interface OpenPage {
  readonly page: Page;
  /** What the page complained of: uncaught errors, the console's errors, breaches of the content security policy. */
  readonly complaints: readonly string[];
  /** What axe finds serious or critical on the page as it is, one line a finding. */
  readonly barriers: () => Promise<string[]>;
}

/** For `expect.poll`, which else gives up after a second: a limit for what hangs, far from what any page takes. */
export const patient = { timeout: 120_000 };

const height = 860;
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
let browser: Browser | null = null;
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(async () => {
  await browser?.close();
  browser = null;
});

export async function openPage(address: string, { theme = 'light', width = 1280 }: PageOptions = {}): Promise<OpenPage> {
  browser ??= await chromium.launch({ executablePath: installedChromium(), args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  const context = await browser.newContext({ baseURL: address, colorScheme: theme, reducedMotion: 'reduce', viewport: { width, height } });
  closers.push(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
  });
  // It is there before the page's own policy holds.
  await page.addInitScript({ path: axePath });
  return {
    page,
    complaints,
    barriers: async () => {
      const { violations } = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })');
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary ?? ''}`));
    },
  };
}

/** Debian's name first; what other systems call it after. */
const programs = ['chromium', 'chromium-browser', 'google-chrome'];

function installedChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = programs.flatMap((program) => folders.map((folder) => join(folder, program))).find(isExecutable);
  if (found === undefined) throw new Error('no Chromium is on the PATH: run `npm run setup` on Debian, or install it');
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
