import { existsSync } from 'node:fs';
import { automake, defineSuite, executables, kyua } from 'pexen';

export default defineSuite({
  from: {
    kyua: kyua({ dir: 'kyua', config: 'none' }),
    own: executables({ dir: 'checks' }),
    ...(existsSync('automake/Makefile') && { automake: automake({ dir: 'automake' }) }),
  },
  checks: { processes: 'fail' },
});
