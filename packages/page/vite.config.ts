import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** The application as one script and one style sheet, which tools/build-page.ts puts into one file. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  logLevel: 'warn',
  resolve: { conditions: ['@pexen/source', 'module', 'browser', 'production'] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    target: 'es2023',
    cssCodeSplit: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    write: false,
    rolldownOptions: { input: fileURLToPath(new URL('page.html', import.meta.url)) },
  },
});
