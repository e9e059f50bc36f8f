/** The program that starts a test in place of pexen: its only argument is a `LaunchOrder`. */
import { launch } from './launcher.ts';

void launch(JSON.parse(process.argv[2] ?? '{}'));
