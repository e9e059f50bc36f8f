/** Sends a run as an OpenTelemetry trace. The command loads this package for `--reporter otel`; it exports the function under the name that every reporter module has. */
export { type OtelOptions, otel, otel as reporter } from './otel.ts';
