import { defineConfig } from 'vitest/config';

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

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: process.env['ROLLCALL_TEST_ALL'] === '1' ? [] : long,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    // Stories that wait for timeouts side by side.
    maxConcurrency: 8,
  },
});
