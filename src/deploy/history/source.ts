/** The state of the sources that an image was made of, as git has it. */

import { execFile } from 'node:child_process';
import type { HistoryRecord } from './record.ts';

/** A repository on a slow disk must not keep a push. */
const limitMs = 2000;

/**
 * Undefined: not under git, no git, or it took too long. Never rejects.
 *
 * @param folder absolute
 * @param signal ends git where nobody waits for it any more
 */
export function sourceIn(
  folder: string,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<HistoryRecord['source']> {
  return new Promise((resolve) => {
    const git = execFile(
      'git',
      // The program that a repository names to watch its files is not run.
      [
        '-C',
        folder,
        '-c',
        'core.fsmonitor=false',
        'status',
        '--porcelain=v2',
        '--branch',
        '--untracked-files=normal',
      ],
      {
        env: { ...gitEnv(env), GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
        signal,
        timeout: limitMs,
        maxBuffer: 64 * 1024,
        windowsHide: true,
      },
      (error, stdout) => {
        // More changes than the buffer has room for are changes all the same.
        const isOverfull = (error as { code?: unknown } | null)?.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';
        resolve(error === null || isOverfull ? parseStatus(stdout) : undefined);
      },
    );
    // One that waits for its disk does not end when it is told to, and must not keep the process.
    git.unref();
  });
}

/** Passwords may stand in the rest. `GIT_OPTIONAL_LOCKS`: git must not take the lock of the index from under an editor. */
function gitEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ['PATH', 'Path', 'HOME', 'XDG_CONFIG_HOME', 'USERPROFILE', 'SystemRoot', 'PATHEXT'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** Of `git status --porcelain=v2 --branch`; undefined before the first commit. */
export function parseStatus(text: string): HistoryRecord['source'] {
  const [, commit] = /^# branch\.oid ([\da-f]{7,64})$/m.exec(text) ?? [];
  return commit === undefined ? undefined : { commit, isDirty: /^[^#\n]/m.test(text) };
}
