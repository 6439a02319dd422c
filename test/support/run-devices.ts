/** Run in a network namespace: `otarc devices` in the folder and with the flags of the JSON argument. */

import { devicesCommand } from '../../src/cli/commands/devices.ts';
import type { DevicesOptions } from '../../src/cli/commands/devices-view.ts';
import { asOtaError, exitCodeFor } from '../../src/model/failure.ts';

type Argument = Partial<Omit<DevicesOptions, 'flags'>> & {
  readonly cwd: string;
  readonly interfaces?: readonly string[];
};

const { cwd, interfaces, ...options } = JSON.parse(process.argv[2] ?? '{}') as Argument;
const ended = new AbortController();
process.on('SIGTERM', () => ended.abort());
const { stdout, stderr, stdin } = process;
const io = { stdout, stderr, stdin, env: { HOME: cwd }, cwd, signal: ended.signal };
const flags = { cwd, ...(interfaces === undefined ? {} : { interfaces }) };
process.exitCode = await devicesCommand(
  { json: false, watch: false, outdated: false, color: 'never', ...options, flags },
  io,
).catch((error: unknown) => {
  const failure = asOtaError(error);
  stderr.write(`error ${failure.code}: ${failure.message}\n`);
  return exitCodeFor(failure);
});
