#!/usr/bin/env node
/** What starts first: the question that editors and scripts ask before anything else is answered without the rest. */

import * as nodeModule from 'node:module';
import packageJson from '../package.json' with { type: 'json' };

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.on('error', () => (process.exitCode = 1));
  process.stdout.write(`${packageJson.version}\n`);
} else {
  // Not in Node 20, which loads otarc without it.
  const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown };
  enableCompileCache?.();
  const { runCommandLine } = await import('./cli/main.ts');
  await runCommandLine(argv, packageJson.version);
}
