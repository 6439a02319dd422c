import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with its numbers on a line of their own. In CI nothing may skip: there, a skipped test is a failure. */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'pending') counts.failed += 1;
        else counts[state] += 1;
        if (state === 'skipped') skipped.push(`${module.relativeModuleId}: ${test.fullName}`);
      }
    }
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    if (process.env['CI'] !== 'true' || skipped.length === 0) return;
    console.error(`In CI nothing may be skipped:\n  ${skipped.join('\n  ')}`);
    process.exitCode = 1;
  }
}
