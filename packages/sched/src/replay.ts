/** Records the inputs and decisions of a run and repeats the decisions from the record alone; and runs tasks again in the order of an earlier run. */
export {
  type Json,
  type RecordedStep,
  type RecordedTask,
  Recorder,
  type Replayed,
  replay,
} from './driver/recording.ts';
export {
  compareSchedules,
  Schedule,
  type ScheduleDifferences,
  type ScheduleStep,
} from './driver/schedule.ts';
