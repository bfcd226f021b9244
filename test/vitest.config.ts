import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// The tests start the program some two hundred times; it is compiled once.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'rollcall-compile-cache');

/** Stories that take half a minute or more; `npm run test:all` tells them too. */
const long = [
  'test/scenarios/blind-service.test.ts',
  'test/scenarios/clock-step.test.ts',
  'test/scenarios/maybe-committed.test.ts',
  'test/scenarios/nas-restart.test.ts',
  'test/scenarios/redis-trouble.test.ts',
  'test/scenarios/refused-writes.test.ts',
  'test/scenarios/soak.test.ts',
];

/** What takes longest, longest first, so that both workers have something to do until the end. */
const longest = [
  'sim/sim',
  'scenarios/crash',
  'scenarios/main-job',
  'model/presence',
  'scenarios/outage',
  'scenarios/boot',
  'scenarios/nodes',
  'scenarios/erasure',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return place === -1 ? longest.length : place;
    };
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: process.env['ROLLCALL_TEST_ALL'] === '1' ? [] : long,
    globalSetup: 'test/support/clean-up.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    isolate: false,
    sequence: { sequencer: LongestFirst },
    maxWorkers: 3,
    // Stories that wait for timeouts side by side.
    maxConcurrency: 8,
  },
});
