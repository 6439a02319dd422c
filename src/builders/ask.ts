import { cancelled } from '../model/errors.ts';
import { toolEnvironment } from './environment.ts';
import { runProcess, type ToolRun } from './process.ts';
import type { BuildContext } from './types.ts';

const LIMIT_MS = 60_000;

interface Question extends ToolRun {
  /** Default: a minute. */
  readonly limitMs?: number;
}

export interface ToolAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** What asking needs of a build's surroundings: nobody sees the tool's output. */
export type AskContext = Pick<BuildContext, 'env' | 'signal'>;

/**
 * Runs a short question to a tool. At the limit it is ended, with all that it has started, and the answer is not `ok`.
 * Rejects only when aborted.
 */
export async function ask(question: Question, { env, signal }: AskContext): Promise<ToolAnswer> {
  const { limitMs = LIMIT_MS, ...run } = question;
  const limit = AbortSignal.timeout(limitMs);
  const said: [Uint8Array[], Uint8Array[]] = [[], []];
  const answer = (ok: boolean): ToolAnswer => ({ ok, stdout: textOf(said[0]), stderr: textOf(said[1]) });
  try {
    const end = await runProcess(run, {
      env: toolEnvironment(env, false),
      signal: AbortSignal.any([signal, limit]),
      read: (stdout, stderr) => {
        stdout.on('data', (chunk: Uint8Array) => said[0].push(chunk));
        stderr.on('data', (chunk: Uint8Array) => said[1].push(chunk));
      },
    });
    return answer(end.type === 'ended' && end.exitCode === 0);
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    if (limit.aborted) return answer(false);
    throw error;
  }
}

function textOf(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString();
}
