/** Builds the application into one file, dist/page.html: script and style within it, allowed by their hashes, and nothing from anywhere else. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
const output = fileURLToPath(new URL('../dist/page.html', import.meta.url));

const built = await build({ configFile });
const { output: files } = (Array.isArray(built) ? built[0] : built) as Extract<
  typeof built,
  { output: unknown }
>;
const script = files.flatMap((file) => (file.type === 'chunk' ? [file.code] : [])).join('\n');
const style = files
  .flatMap((file) => (file.type === 'asset' && file.fileName.endsWith('.css') ? [String(file.source)] : []))
  .join('\n');
if (script.includes('</script') || style.includes('</style') || script.includes('<!--'))
  throw new Error('the script or the style would end its element');

mkdirSync(fileURLToPath(new URL('../dist', import.meta.url)), { recursive: true });
writeFileSync(output, pageOf(script.trim(), style.trim()));

function pageOf(script: string, style: string): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data: blob:',
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>pexen</title>
<style>${style}</style>
</head>
<body>
<div id="page"><noscript>This page needs JavaScript to show the run that is in it.</noscript></div>
<!--data-->
<script type="module">${script}</script>
</body>
</html>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
