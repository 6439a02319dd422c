/**
 * The state of the sources that an image was made of, as git has it.
 *
 * The folder may be anybody's, and the configuration of a repository can name programs. Asking for the commit runs none of
 * them; asking for changes would: filters of contents (also the user's own: git-lfs runs what `lfs.extension.*` of the
 * repository names), the one that watches files, hooks, and whatever fetches what a partial clone does not have. All of
 * these are off, and git does not look into submodules, whose filters are not known.
 */

import { spawn } from 'node:child_process';
import { findExecutable } from '../../builders/executable.ts';
import { killGroup } from '../../builders/group.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { HistoryRecord } from './record.ts';

/** A repository on a slow disk must not keep a push. */
const limitMs = 2000;
const mostCharacters = 64 * 1024;

export interface SourceOptions {
  readonly env: NodeJS.ProcessEnv;
  /** From then on only what is known by then counts, and git is killed. */
  readonly signal: AbortSignal;
  /** Whether to look for changes that are not committed. */
  readonly withChanges: boolean;
}

/** Undefined: not under git, no git, or it took too long. Never rejects. @param folder absolute */
export async function sourceIn(
  folder: string,
  { env, signal, withChanges }: SourceOptions,
): Promise<HistoryRecord['source']> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const own = gitEnv(env);
  try {
    const file = await findExecutable({ names: ['git'], env: own });
    if (file === undefined) return undefined;
    const git: Git = (args) => ask(file, ['-C', folder, '--no-pager', ...args], { env: own, signal: limit });
    const head = await git(['rev-parse', '--verify', '--quiet', 'HEAD']);
    const [commit] = /^[\da-f]{40,64}$/m.exec(head.stdout) ?? [];
    if (head.exitCode !== 0 || commit === undefined) return undefined;
    return withoutUndefined({ commit, isDirty: withChanges ? await hasChanges(git) : undefined });
  } catch {
    return undefined;
  }
}

interface GitAnswer {
  /** Undefined: it did not come to an end. */
  readonly exitCode?: number;
  readonly stdout: string;
}
type Git = (args: readonly string[]) => Promise<GitAnswer>;

/** Undefined: not known. */
async function hasChanges(git: Git): Promise<boolean | undefined> {
  const listed = await git(['config', '--null', '--name-only', '--get-regexp', String.raw`^filter\.`]);
  // 1: there are none.
  if (listed.exitCode !== 0 && listed.exitCode !== 1) return undefined;
  const off = filtersOff(listed.stdout);
  if (off === undefined) return undefined;
  const config = ['core.fsmonitor=false', 'core.hooksPath=/dev/null', ...off].flatMap((each) => ['-c', each]);
  const looking = ['--porcelain=v2', '--untracked-files=normal', '--ignore-submodules=dirty', '--no-renames'];
  const { exitCode, stdout } = await git([...config, 'status', ...looking]);
  return exitCode === 0 ? stdout !== '' : undefined;
}

/**
 * Settings that turn off each of these filters. Undefined: there is one that cannot be named on a command line, or the
 * list is not whole. Pure. @param names as `git config --null --name-only` prints them
 */
export function filtersOff(names: string): readonly string[] | undefined {
  if (names.length >= mostCharacters) return undefined;
  const found = names.split('\0').flatMap((name) => /^filter\.(.+)\.[^.]+$/s.exec(name)?.[1] ?? []);
  if (found.some((name) => name.includes('='))) return undefined;
  return [...new Set(found)].flatMap((name) => [
    `filter.${name}.clean=`,
    `filter.${name}.process=`,
    `filter.${name}.required=false`,
  ]);
}

/** Resolves at once when aborted. */
function ask(
  file: string,
  args: readonly string[],
  { env, signal }: Pick<SourceOptions, 'env' | 'signal'>,
): Promise<GitAnswer> {
  if (signal.aborted) return Promise.resolve({ stdout: '' });
  return new Promise((resolve) => {
    // On Windows that would open a window.
    const detached = process.platform !== 'win32';
    const child = spawn(file, args, {
      env,
      detached,
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    });
    const kill = (): void => killGroup(child.pid);
    const onAbort = (): void => {
      kill();
      end();
    };
    let stdout = '';
    const end = (exitCode?: number): void => {
      signal.removeEventListener('abort', onAbort);
      process.removeListener('exit', kill);
      // One that cannot be killed (a network drive that is gone) must not keep this process either.
      child.stdout.destroy();
      child.unref();
      resolve(withoutUndefined({ exitCode, stdout }));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    process.once('exit', kill);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (stdout.length < mostCharacters) stdout += chunk;
    });
    child.once('error', () => end());
    child.once('close', (code) => end(code ?? undefined));
  });
}

/**
 * Passwords may stand in the rest. `GIT_OPTIONAL_LOCKS`: git must not take the lock of the index from under an editor.
 * `GIT_ALLOW_PROTOCOL`: no protocol has this name, so nothing is fetched (older gits do not know `GIT_NO_LAZY_FETCH`).
 */
function gitEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ['PATH', 'Path', 'HOME', 'XDG_CONFIG_HOME', 'USERPROFILE', 'SystemRoot', 'PATHEXT'];
  const kept = names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  return {
    ...Object.fromEntries(kept),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  };
}
