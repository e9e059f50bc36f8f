import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { task } from 'pexen';

interface Shared {
  readonly postgres?: { readonly host: string; readonly port: number };
}

async function sql({ postgres }: Shared, text: string): Promise<string> {
  if (postgres === undefined) throw new Error('requires "postgres"');
  const { host, port } = postgres;
  const options = ['-h', host, '-p', String(port), '-U', 'postgres', '-v', 'ON_ERROR_STOP=1', '-qAtc', text];
  return (await promisify(execFile)('psql', options)).stdout.trim();
}

function expect(actual: string, expected: string): void {
  if (actual !== expected) throw new Error(`${actual} instead of ${expected}`);
}

export const migrate = task({ requires: ['postgres'], provides: ['schema'] }, ({ shared }) =>
  sql(shared, 'create table accounts (owner text primary key, amount integer not null)'),
);

/** What is in the table when a test has reset it. */
const fresh = "truncate accounts; insert into accounts values ('bank', 1000)";

/** Each test takes money from an account of its own; every tenth, between the others, resets the table while no other test uses it. */
export const tests = Array.from({ length: 50 }, (_, n) => {
  const name = `account-${n}`;
  const meta = { requires: ['schema'], priority: n };
  if (n % 10 === 9)
    return task({ ...meta, name: `reset-${n}`, claims: ['accounts'] }, async ({ shared }) => {
      await sql(shared, fresh);
      expect(await sql(shared, 'select count(*), sum(amount) from accounts'), '1|1000');
    });
  return task({ ...meta, name, uses: ['accounts'] }, async ({ shared }) => {
    const own = `accounts where owner = '${name}'`;
    await sql(shared, `insert into accounts values ('${name}', 100)`);
    const change = `update accounts set amount = amount - 30 where owner = '${name}'`;
    expect(await sql(shared, `${change}; select amount from ${own}; delete from ${own}`), '70');
  });
});
