import { key, run, task, type } from '@pexen/sched';

const built = key<{ dir: string }>('built'); // capability and typed channel at once
const build = task({ name: 'build', provides: [built] }, async ({ set }) => {
  set(built, { dir: 'out' });
});
const lint = task({ name: 'lint', uses: ['src'] }, () => 'clean');
const ship = task(
  { name: 'ship', requires: [built], claims: ['prod'], args: type<{ to: string }>() }, // or any Standard Schema
  ({ get, args }) => `${get(built).dir} → ${args.to}`,
);

for await (const result of run([build, lint, ship.with({ to: 'eu' }), () => 'a plain function'])) {
  console.log(result.path, result.status, result.value);
}
