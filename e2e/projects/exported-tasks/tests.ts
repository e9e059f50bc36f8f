import { task } from 'pexen';

export const server = task({ provides: ['server'] }, ({ shared }) => {
  shared.port = 8080;
});

export const answers = task({ requires: ['server'], uses: ['/api/users'] }, ({ shared }) => {
  if (shared.port !== 8080) throw new Error(`port ${String(shared.port)}`);
});

export const deletes = task({ requires: ['server'], claims: ['/api'] }, () => {});
