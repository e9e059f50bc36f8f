/** The reporter is held to the same rules as all others, with a collector that answers. */
import { reporterConformance } from '@pexen/report/conformance';
import { afterAll, beforeAll, test, vi } from 'vitest';
import { otel } from '../src/otel.ts';
import { Collector } from './support/collector.ts';

let collector: Collector;

beforeAll(async () => {
  collector = await Collector.open();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
});
afterAll(() => collector[Symbol.asyncDispose]());

reporterConformance({ test, make: () => otel() });
