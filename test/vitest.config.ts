import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './tools/count-reporter.ts';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    globalSetup: ['test/tools/setup.ts'],
    include: ['test/{unit,integration,e2e}/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    retry: 0,
    // How long a poll may last catches only what hangs.
    expect: { poll: { timeout: 20_000 } },
    // Most of them wait, for a device or a tool: on two cores, one worker (the default there) would leave both idle.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    reporters: ['default', new CountReporter()],
  },
});
