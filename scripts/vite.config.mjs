import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { root } from './setup/places.mjs';

/** Beside every script and style sheet its gzipped form, for the server to send. Of the files as written: other plugins change the bundle until then. */
const gzipped = {
  name: 'gzipped',
  writeBundle({ dir }, bundle) {
    for (const name of Object.keys(bundle).filter((file) => /\.(js|css)$/.test(file))) {
      const file = path.join(dir, name);
      writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
    }
  },
};

/** The page as plain files in dist/ui: nothing inline, so that the service may forbid inline scripts and styles. */
export default defineConfig({
  root: path.join(root, 'src/review/ui/page'),
  base: '/',
  logLevel: 'warn',
  cacheDir: path.join(root, '.cache/vite'),
  plugins: [svelte({ configFile: false }), gzipped],
  build: {
    outDir: path.join(root, 'dist/ui'),
    emptyOutDir: true,
    target: 'es2022',
    // What is inlined as a data: URL would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
