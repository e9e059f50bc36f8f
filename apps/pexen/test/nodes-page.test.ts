/** The guides to nodes, to their security and to locks of the cluster show what the commands print: a server, nodes and a run. Skipped where there is no server to be had. */
import { findServer } from '@pexen/pool-nats/node';
import { expect, it, onTestFinished } from 'vitest';
import { folder, startWith } from './command.ts';
import { commandsOf, comparable, type Shown } from './page.ts';

/** The output without addresses and folders. */
function placeless(text: string): string {
  return comparable(text)
    .replaceAll(/\S+nats-server/g, 'nats-server')
    .replaceAll(/(?:127\.0\.0\.1|localhost|hub):\d+/g, 'SERVER')
    .replaceAll(/(?<=valid until )[\d-]+/g, 'DATE')
    .replaceAll(/(?<=px1\.lab\.to\.\w+\.)[\w-]+/g, 'ID');
}

/** The commands of the page, which use a server of their own: others may run on this machine. */
class Terminals {
  readonly #dir: string;
  #server = '';

  constructor(dir: string) {
    this.#dir = dir;
  }

  async outputOf({ words, remark }: Shown): Promise<string> {
    const [, command = '', ...options] = words;
    if (command === 'nats') options.push('--port', '0');
    const variables = {
      NATS_URL: this.#server,
      ...(this.#server !== '' && !words.includes('--init-security') && { PEXEN_NODE_SERVERS: this.#server }),
    };
    const running = startWith(variables, this.#dir, command, ...options);
    if (remark !== 'goes on') {
      const { stdout, stderr } = await running.ended;
      return stderr + stdout;
    }
    onTestFinished(async () => {
      running.kill('SIGKILL');
      await running.ended;
    });
    const { stdout } = await running.until((printed) => printed.stdout.endsWith('\n'));
    this.#server ||=
      /(?:nats|tls):\/\/\S+\d/.exec(stdout)?.[0].replace('tls://127.0.0.1', 'tls://localhost') ?? '';
    return stdout;
  }
}

const found = await findServer().catch((error: unknown) => String(error).split('\n')[0]);

it.skipIf(typeof found !== 'object').each(['nodes.md', 'nodes-security.md', 'cluster-locks.md'])(
  '%s shows real output',
  { timeout: 120_000 },
  async (page) => {
    const dir = await folder({}, (act) => onTestFinished(act));
    const terminals = new Terminals(dir);
    for await (const shown of commandsOf(new URL(`../../../docs/${page}`, import.meta.url), dir)) {
      const output = await terminals.outputOf(shown);
      expect(placeless(output), `the real output is:\n${output}`).toBe(placeless(shown.output));
    }
  },
);
