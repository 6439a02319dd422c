/** Runs a command line in the test's own process, and reads what it prints. */

import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { main } from '../../src/cli/program.ts';

class Sink extends Writable {
  text = '';
  onText = (_text: string): void => {};
  readonly isTTY: boolean;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(this.text);
    done();
  }
}

interface Surroundings {
  readonly cwd: string;
  readonly input?: string;
  /** Ends it as Ctrl-C does, as soon as what it has printed matches. */
  readonly until?: RegExp;
  readonly env?: NodeJS.ProcessEnv;
  readonly isTTY?: boolean;
}

/** Resolves when the command has ended; its home is the folder `home` in `cwd`. */
export async function runMain(
  argv: readonly string[],
  { cwd, input = '', until, env, isTTY = false }: Surroundings,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const [stdout, stderr, stdin] = [new Sink(isTTY), new Sink(isTTY), new PassThrough()];
  const ended = new AbortController();
  stdout.onText = stderr.onText = (text) => {
    if (until?.test(text) === true) ended.abort();
  };
  stdin.end(input);
  const home = join(cwd, 'home');
  const all = { HOME: home, USERPROFILE: home, PATH: process.env['PATH'], TERM: 'xterm', ...env };
  const io = { stdout, stderr, stdin, env: all, cwd, signal: ended.signal };
  const exitCode = await main({ argv, version: '0.0.0' }, io);
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}
