/** How the system is asked what it is. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { networkInterfaces, release } from 'node:os';
import { delimiter } from 'node:path';
import { createSingleFlight } from '../single-flight.ts';

/** What a program printed, however it ended. */
export interface ProgramOutput {
  readonly ok: boolean;
  readonly output: string;
  /** It did not end in time, or said more than is read. */
  readonly isCut?: true;
}

/** In tests a fixture answers. */
export interface HostSource {
  readonly platform: NodeJS.Platform;
  readonly kernel: string;
  readonly env: NodeJS.ProcessEnv;
  /** Undefined: it is not there, or may not be read. */
  readFile(path: string): Promise<string | undefined>;
  /** Undefined: it is not there. */
  run(command: readonly [string, ...string[]]): Promise<ProgramOutput | undefined>;
  interfaces(): ReturnType<typeof networkInterfaces>;
}

const limitMs = 3000;
/** Devices that fail at once do not fail at the same moment; a person who corrects a rule takes longer than this. */
const keepMs = 2000;
const shareRuns = createSingleFlight<ProgramOutput | undefined>(keepMs);

/** This very computer. Nothing that is run changes anything or asks for more rights. */
export function thisHost(signal: AbortSignal): HostSource {
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
  return {
    platform: process.platform,
    kernel: release(),
    env: process.env,
    readFile: (file) => readFile(file, 'utf8').catch(() => undefined),
    run: (command) =>
      shareRuns([path, ...command].join('\0'), (own) => runProgram(command, { path, signal: own }), signal),
    interfaces: networkInterfaces,
  };
}

function runProgram(
  [file, ...args]: readonly [string, ...string[]],
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<ProgramOutput | undefined> {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: path, LC_ALL: 'C' };
    const options = {
      env,
      signal,
      timeout: limitMs,
      killSignal: 'SIGKILL' as const,
      windowsHide: true,
      maxBuffer: 8 * 1024 * 1024,
    };
    execFile(file, args, options, (error, stdout, stderr) => {
      const output = stdout + stderr;
      const isCut = error?.killed === true || error?.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';
      if (isCut && !signal.aborted) return resolve({ ok: false, output: '', isCut });
      const isThere = error === null || typeof error.code === 'number';
      resolve(isThere ? { ok: error === null, output } : undefined);
    });
  });
}
