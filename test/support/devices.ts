/** `otarc devices` in the test's own process, over loopback alone. */

import { PassThrough } from 'node:stream';
import { devicesCommand } from '../../src/cli/commands/devices.ts';
import type { DevicesOptions } from '../../src/cli/commands/devices-view.ts';
import { Sink } from './sink.ts';

interface DevicesRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface DevicesTest extends Partial<Omit<DevicesOptions, 'flags'>> {
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Beside HOME. */
  readonly env?: NodeJS.ProcessEnv;
  readonly onWrite?: (text: string) => void;
}

/** Asks mDNS on loopback, and nobody else. */
export async function devices(
  cwd: string,
  { signal = new AbortController().signal, onWrite, env, ...options }: DevicesTest = {},
): Promise<DevicesRun> {
  const [stdout, stderr, stdin] = [new Sink(), new Sink(), new PassThrough()];
  stdin.end();
  if (onWrite !== undefined) stdout.onWrite = onWrite;
  const io = { stdout, stderr, stdin, env: { HOME: cwd, USERPROFILE: cwd, ...env }, cwd, signal };
  const exitCode = await devicesCommand(
    {
      flags: { cwd, interfaces: ['127.0.0.1'] },
      json: false,
      watch: false,
      outdated: false,
      color: 'never',
      ...options,
    },
    io,
  );
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}
