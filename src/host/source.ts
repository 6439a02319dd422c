/** How the system is asked what it is. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { networkInterfaces, release } from 'node:os';
import { delimiter } from 'node:path';

/** In tests a fixture answers. */
export interface HostSource {
  readonly platform: NodeJS.Platform;
  readonly kernel: string;
  readonly env: NodeJS.ProcessEnv;
  /** Undefined: it is not there, or may not be read. */
  readFile(path: string): Promise<string | undefined>;
  /** What it printed, however it ended; undefined: it is not there, or did not end in time. */
  run(command: readonly [string, ...string[]]): Promise<{ ok: boolean; output: string } | undefined>;
  interfaces(): ReturnType<typeof networkInterfaces>;
}

const limitMs = 3000;

/** This very computer. Nothing that is run changes anything or asks for more rights. */
export function thisHost(signal: AbortSignal): HostSource {
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
  return {
    platform: process.platform,
    kernel: release(),
    env: process.env,
    readFile: (file) => readFile(file, 'utf8').catch(() => undefined),
    run: ([file, ...args]) =>
      new Promise((resolve) => {
        const env = { ...process.env, PATH: path, LC_ALL: 'C' };
        // One of its own: a program that is not there leaves its listener behind.
        const options = {
          env,
          signal: AbortSignal.any([signal]),
          timeout: limitMs,
          windowsHide: true,
          maxBuffer: 8 * 1024 * 1024,
        };
        execFile(file, args, options, (error, stdout, stderr) => {
          const isThere = error === null || typeof error.code === 'number';
          resolve(isThere ? { ok: error === null, output: stdout + stderr } : undefined);
        });
      }),
    interfaces: networkInterfaces,
  };
}
