/** `otarc init` in the test's own process: no terminal, no network but what the test gives it. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { initCommand, type InitOptions } from '../../src/cli/commands/init.ts';
import type { FoundDevice } from '../../src/model/announcement.ts';
import { OtaError } from '../../src/model/errors.ts';

class Sink extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface InitRun {
  readonly exitCode?: number;
  readonly error?: OtaError;
  readonly stdout: string;
  readonly stderr: string;
}

interface Surroundings {
  /** The devices that announce themselves. */
  readonly found?: readonly FoundDevice[];
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** With `--yes`. */
export async function init(
  cwd: string,
  options: Partial<InitOptions> = {},
  { found, env, input = '', signal = new AbortController().signal }: Surroundings = {},
): Promise<InitRun> {
  const [stdout, stderr, stdin] = [new Sink(), new Sink(), new PassThrough()];
  stdin.end(input);
  const home = join(cwd, '..', 'home');
  await mkdir(home, { recursive: true });
  const io = { stdout, stderr, stdin, env: { HOME: home, USERPROFILE: home, ...env }, cwd, signal };
  const all: InitOptions = {
    cwd,
    devices: [],
    hooks: [],
    yes: true,
    force: false,
    remove: false,
    dryRun: false,
    scan: found !== undefined,
    json: false,
    color: 'auto',
    ...options,
  };
  const browse = async ({ onChange }: { onChange: (devices: readonly FoundDevice[]) => void }) =>
    Promise.resolve(onChange(found ?? []));
  const ended = await initCommand(all, io, browse).then(
    (exitCode) => ({ exitCode }),
    (error: unknown) => {
      if (error instanceof OtaError) return { error };
      throw error;
    },
  );
  return { ...ended, stdout: stdout.text, stderr: stderr.text };
}
