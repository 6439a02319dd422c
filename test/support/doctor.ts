/** `otarc doctor` in the test's own process, over loopback alone. */

import { PassThrough } from 'node:stream';
import { doctorCommand, type DoctorOptions } from '../../src/cli/commands/doctor.ts';
import type { Leg } from '../../src/doctor/leg.ts';
import { Sink } from './sink.ts';

export interface DoctorRun {
  readonly exitCode: number;
  readonly legs: readonly Leg[];
  /** `✓ name`, `! device`, … */
  readonly marks: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Asks mDNS on loopback, and nobody else. */
export async function doctor(
  cwd: string,
  { flags, onNote, ...options }: Partial<DoctorOptions> & { readonly onNote?: (text: string) => void } = {},
  env: NodeJS.ProcessEnv = {},
): Promise<DoctorRun> {
  const [stdout, stderr, stdin] = [new Sink(), new Sink(), new PassThrough()];
  stdin.end();
  if (onNote !== undefined) stderr.onWrite = onNote;
  const io = {
    stdout,
    stderr,
    stdin,
    env: { HOME: cwd, USERPROFILE: cwd, ...env },
    cwd,
    signal: new AbortController().signal,
  };
  const exitCode = await doctorCommand(
    {
      flags: { cwd, interfaces: ['127.0.0.1'], ...flags },
      active: false,
      json: true,
      color: 'never',
      listenMs: 400,
      ...options,
    },
    io,
  );
  const legs = options.json === false ? [] : (JSON.parse(stdout.text) as { legs: Leg[] }).legs;
  const mark = { ok: '✓', warning: '!', failed: '✗' };
  return {
    exitCode,
    legs,
    marks: legs.map(({ leg, status }) => `${mark[status]} ${leg}`),
    stdout: stdout.text,
    stderr: stderr.text,
  };
}
