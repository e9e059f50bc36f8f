/** Records the inputs and decisions of a run, and repeats the decisions from the record alone. */
export {
  type Json,
  type RecordedStep,
  type RecordedTask,
  Recorder,
  type Replayed,
  replay,
} from './driver/recording.ts';
