/** The entry of a worker process: has Node keep compiled code where the host has it kept, before there is much to compile. */
import { enableCompileCache } from 'node:module';
import { takeCodeDirectory } from './code-directory.ts';

const directory = takeCodeDirectory();
if (directory !== undefined) enableCompileCache(directory);
void import('./worker.ts');
