/** Starts the page: with the document that is embedded in it, or with a server. */
import { render } from 'preact';
import { PageRun } from '../data/page-run.ts';
import { embeddedDocument, embeddedSource } from './embedded.ts';
import { loadExtras } from './extras.ts';
import { askServer, follow } from './live.ts';
import { Page } from './page.tsx';
import { startRouting, takeToken } from './route.ts';
import { connection, isPrinted, now, run, source } from './store.ts';
import './style.css';

const place = document.getElementById('page') ?? document.body;

void start();

async function start(): Promise<void> {
  const token = takeToken();
  startRouting();
  followPrinting();
  const embedded = await embeddedDocument();
  if (embedded === undefined) return startLive(token);
  run.value = new PageRun(embedded);
  now.value = embedded.snapshot.run.atMs;
  source.value = embeddedSource(embedded);
  render(<Page />, place);
}

async function startLive(token: string | undefined): Promise<void> {
  const first = follow(token);
  render(<Page />, place);
  await first;
  if (connection.peek().kind === 'open') await loadExtras((path) => askServer(path, token));
}

function followPrinting(): void {
  addEventListener('beforeprint', () => {
    isPrinted.value = true;
    render(<Page />, place);
  });
  addEventListener('afterprint', () => {
    isPrinted.value = false;
    render(<Page />, place);
  });
}
