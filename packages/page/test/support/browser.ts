/** A browser for tests and pictures: chromium, where the machine has it. Knows no page. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [
  process.env.PEXEN_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Where it is; undefined where there is none. PEXEN_CHROMIUM names another one. */
export const browserFile: string | undefined = places.find((place) => place !== '' && existsSync(place));

/** Starts it with a profile of its own. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    ...(browserFile !== undefined && { executablePath: browserFile }),
    args: [
      ...[
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
      ],
      ...['--disable-component-update', '--disable-sync'],
    ],
  });
}
