/** Single keys of a terminal. It is in raw mode while they are read, and as it was before on every way out. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

type Input = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  readonly isRaw?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  ref?(): unknown;
  unref?(): unknown;
};

export interface Keys {
  close(): void;
}

/** Not without a terminal, and not where that is busy with another program. */
export function canReadKeys(input: Input): boolean {
  return input.isTTY === true && input.setRawMode !== undefined && isInForeground();
}

export function readKeys(input: Input, onKey: (key: string) => void): Keys {
  const wasRaw = input.isRaw === true;
  const setRaw = (isRaw: boolean): void => void input.setRawMode?.(isRaw);
  const read = (chunk: Buffer | string): void => {
    for (const key of keysIn(chunk.toString())) onKey(key);
  };
  const restore = (): void => setRaw(wasRaw);
  // After a stop and `fg`, the shell has set the terminal as it likes it.
  const resume = (): void => setRaw(true);
  setRaw(true);
  input.on('data', read);
  input.resume();
  process.once('exit', restore);
  if (process.platform !== 'win32') process.on('SIGCONT', resume);
  return {
    close() {
      input.removeListener('data', read);
      process.removeListener('exit', restore);
      if (process.platform !== 'win32') process.removeListener('SIGCONT', resume);
      restore();
      input.pause();
      input.unref?.();
    },
  };
}

/** Arrows, function keys, and what is pasted in brackets: an escape character with more behind it. */
const sequence = new RegExp(String.raw`\u001B(?:\[[0-?]*[ -/]*[@-~]|O[ -~])`, 'g');

/** The single keys of what a terminal has sent. Pure. */
export function keysIn(text: string): string[] {
  return [...text.replaceAll(sequence, '')];
}

/**
 * A program in the background (`otarc watch &`) that touches the terminal's mode or reads from it is stopped by the
 * system.
 */
function isInForeground(): boolean {
  if (process.platform === 'win32') return true;
  const [group, foreground] = process.platform === 'linux' ? groupsOfLinux() : groupsOfPs();
  // 0, and less, is no group: without a terminal of its own, nobody stops it either.
  return group === foreground || !(Number(foreground) > 0);
}

type Groups = readonly [own: string | undefined, foreground: string | undefined];

function groupsOfLinux(): Groups {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [group, foreground];
}

function groupsOfPs(): Groups {
  const asked = ['-o', 'pgid=,tpgid=', '-p', String(process.pid)];
  const [group, foreground] = (spawnSync('ps', asked, { encoding: 'utf8' }).stdout ?? '').trim().split(/\s+/);
  return [group, foreground];
}
