/** The program at the other end of a launcher: told on stdin, answers on stdout. Nobody's code runs in it. */
import { AgentSide } from './agent-side.ts';

new AgentSide().begin();
