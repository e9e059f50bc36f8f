/** The content security policy of a page: it runs and shows what is in it, and talks to its own server only. */
import { createHash } from 'node:crypto';

/** The policy for this page, by the hashes of its scripts and styles. */
export function contentPolicy(html: string): string {
  const scripts = insides(html, /<script(?![^>]*\btype="application\/json")[^>]*>([\s\S]*?)<\/script>/g);
  const styles = insides(html, /<style[^>]*>([\s\S]*?)<\/style>/g);
  return [
    "default-src 'none'",
    `script-src ${hashes(scripts)}`,
    `style-src ${hashes(styles)}`,
    'img-src data: blob:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function insides(html: string, pattern: RegExp): readonly string[] {
  return [...html.matchAll(pattern)].map(([, inside = '']) => inside);
}

function hashes(texts: readonly string[]): string {
  if (texts.length === 0) return "'none'";
  return texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');
}
