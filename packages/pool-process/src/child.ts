/** The program of a worker process. It is told what to do on fd 3, and answers on fd 4. */
import { WorkerSide } from './worker-side.ts';

new WorkerSide().begin();
