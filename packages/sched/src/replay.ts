/** Records what a run decides from, and makes its decisions again from the record alone. */
export { type Json, type RecordedStep, type RecordedTask, Recorder } from './driver/recording.ts';
export { type Replayed, replay } from './driver/replay.ts';
