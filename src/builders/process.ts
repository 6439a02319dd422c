/** A child process that can be ended with all that it has started, and that is not waited for once it has ended itself. */

import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { cancelled } from '../model/errors.ts';
import { endGroup, killGroup } from './group.ts';

/** A tool that leaves a daemon behind leaves its pipes open. Silent for so long after the tool's end: nothing more comes. */
const SILENCE_MS = 200;
const PIPES_LIMIT_MS = 2_000;

export interface ToolRun {
  /** A path, or a name to be found on PATH. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

interface ProcessContext {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Gets both pipes before anything is read, and has to read them. */
  readonly read: (stdout: Readable, stderr: Readable) => void;
}

export type ProcessEnd =
  | {
      readonly type: 'ended';
      /** 128 + the signal's number where a signal ended it, as a shell has it. */
      readonly exitCode: number;
      readonly signal?: NodeJS.Signals;
    }
  /** It could not be started. */
  | { readonly type: 'not-started'; readonly cause: unknown };

/** Resolves when the process has ended. Rejects only when aborted, and then nothing of it is left. */
export async function runProcess(run: ToolRun, { env, signal, read }: ProcessContext): Promise<ProcessEnd> {
  if (signal.aborted) throw cancelled(signal);
  const { execa } = await import('execa');

  const child = execa(run.file, run.args, {
    cwd: run.cwd,
    env,
    extendEnv: false,
    stdin: 'ignore',
    encoding: 'buffer',
    buffer: false,
    reject: false,
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) return { type: 'not-started', cause: (await child).cause };

  const pipes = [child.stdout, child.stderr];
  read(child.stdout, child.stderr);
  const killAtExit = (): void => killGroup(pid);
  process.once('exit', killAtExit);
  try {
    await once(child, 'exit', { signal });
    await readToTheEnd(pipes, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    await endGroup(pid);
    throw cancelled(signal);
  } finally {
    process.removeListener('exit', killAtExit);
    for (const pipe of pipes) pipe.unpipe().destroy();
  }

  const { exitCode, signalCode } = child;
  if (signalCode === null) return { type: 'ended', exitCode: exitCode ?? 1 };
  return { type: 'ended', exitCode: 128 + constants.signals[signalCode], signal: signalCode };
}

/** What the process has printed is read before it counts as ended, at a slow terminal's pace too. */
async function readToTheEnd(pipes: readonly Readable[], signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PIPES_LIMIT_MS;
  const ends = Promise.all(pipes.map((pipe) => pipe.closed || pipe.readableEnded || once(pipe, 'close')));
  // A timer that is left behind would keep otarc alive after its last word.
  const done = new AbortController();
  const either = { signal: AbortSignal.any([signal, done.signal]) };
  let heard = true;
  for (const pipe of pipes) pipe.on('data', () => (heard = true));
  try {
    while (heard && performance.now() < deadline) {
      heard = false;
      const ended = await Promise.race([ends, wait(SILENCE_MS, 'silence', either)]);
      if (ended !== 'silence') return;
    }
  } finally {
    done.abort();
  }
}

/**
 * Passes on what a child prints for as long as it can be written. A child whose output is lost (a full disk) runs to its end
 * all the same: what it prints is read, or it would wait for ever.
 */
export function passOn(pipes: readonly Readable[], output: NodeJS.WritableStream): void {
  let isLost = false;
  const lose = (): void => {
    isLost = true;
    for (const pipe of pipes) pipe.resume();
  };
  output.on('error', lose);
  let open = pipes.length;
  for (const pipe of pipes) {
    pipe.on('data', (chunk: Uint8Array) => {
      if (isLost || output.write(chunk)) return;
      pipe.pause();
      output.once('drain', () => pipe.resume());
    });
    pipe.once('close', () => {
      open -= 1;
      // The error of a last write comes a little later.
      if (open === 0) setImmediate(() => output.off('error', lose));
    });
  }
}
