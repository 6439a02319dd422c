import { Command } from 'commander';
import { expect, it } from 'vitest';
import { toCommandOptions, valuesFor, withFlags } from '../../../src/cli/commands/flags.ts';
import type { Io } from '../../../src/cli/commands/io.ts';

function verifyOf(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const command = withFlags(new Command('push').exitOverride(), 'push');
  command.parse([...argv], { from: 'user' });
  const io = { cwd: '/p', env } as Io;
  return toCommandOptions(valuesFor('push', command, env), io).verify;
}

it.each([
  [[], {}, undefined],
  [['--no-verify'], {}, 'none'],
  [['--verify', '30'], {}, { timeoutMs: 30_000 }],
  [['--no-verify', '--verify', '30'], {}, { timeoutMs: 30_000 }],
  [['--verify', '30', '--no-verify'], {}, 'none'],
  [[], { OTARC_VERIFY: '5' }, { timeoutMs: 5000 }],
  [[], { OTARC_NO_VERIFY: '1' }, 'none'],
  [['--verify', '30'], { OTARC_NO_VERIFY: '1' }, { timeoutMs: 30_000 }],
] as const)('%o with %o waits for proof as was said last and nearest', (argv, env, verify) => {
  expect(verifyOf(argv, env)).toEqual(verify);
});
