import { cancelled } from '../errors.ts';
import { toolEnvironment } from './environment.ts';
import type { BuildContext } from './types.ts';

const LIMIT_MS = 60_000;

export interface Answer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a short question to a tool, of which nobody sees the output. Rejects only when aborted. */
export async function ask(
  question: { readonly file: string; readonly args: readonly string[]; readonly cwd: string },
  context: BuildContext,
): Promise<Answer> {
  const { execa } = await import('execa');
  const result = await execa(question.file, question.args, {
    cwd: question.cwd,
    env: toolEnvironment(context.env, false),
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: LIMIT_MS,
    cancelSignal: context.signal,
    forceKillAfterDelay: 300,
  });
  if (context.signal.aborted) throw cancelled(context.signal);
  return { ok: !result.failed, stdout: result.stdout, stderr: result.stderr };
}
