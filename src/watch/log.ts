/** What a watch reports between its runs, each with its cure; the texts are pure, but for the looks at a file system. */

import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { relative } from 'node:path';
import { OtaError } from '../model/errors.ts';
import type { DeployEvent, EventBody, Tell } from '../model/events.ts';
import type { FileProblem } from './files.ts';

export interface WatchLog {
  readonly tell: Tell;
  inform(message: string): void;
  warn(message: string): void;
  /** Each problem is reported once. */
  onProblem(problem: FileProblem): void;
}

export function createWatchLog(onEvent: (event: DeployEvent) => void): WatchLog {
  const warned = new Set<string>();
  const tell = (event: EventBody): void => onEvent({ ...event, at: new Date().toISOString() });
  const warn = (message: string): void => tell({ type: 'log', level: 'warn', message });
  return {
    tell,
    inform: (message) => tell({ type: 'log', level: 'info', message }),
    warn,
    onProblem(problem) {
      const text = problemText(problem);
      if (!warned.has(text)) warn(text);
      warned.add(text);
    },
  };
}

/** On Linux: no more folders, no more watchers, no more open files. */
const raisedBy: Readonly<Record<string, string>> = {
  ENOSPC: 'sudo sysctl fs.inotify.max_user_watches=524288',
  EMFILE: 'sudo sysctl fs.inotify.max_user_instances=1024',
  ENFILE: 'sudo sysctl fs.file-max=1048576',
};

export function problemText(problem: FileProblem): string {
  switch (problem.type) {
    case 'limit': {
      const more = raisedBy[problem.code];
      const raise = process.platform === 'linux' && more !== undefined ? `\`${more}\`, or ` : '';
      return (
        `The system cannot watch more files (${problem.code}), so otarc polls them three times a second from now on. ` +
        `Cure: ${raise}leave folders out with \`watch.ignore\` in .otarc; \`--poll\` says that polling is fine.`
      );
    }
    case 'vanished':
      return `${problem.path} is gone; it is watched again when it is back.`;
    case 'other':
      return `Watching the files: ${problem.message}. If changes go unnoticed, try \`--poll\`.`;
    default:
      return problem satisfies never;
  }
}

/** Magic numbers of Linux's file systems on which others write and this kernel hears nothing of it. */
const remote: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9P: a drive of Windows, or of the host of a virtual machine'],
  [0x786f4256, 'a shared folder of VirtualBox'],
  [0x7c7c6673, 'a shared folder of Parallels'],
  [0xbacbacbc, 'a shared folder of VMware'],
  [0x65735546, 'FUSE: sshfs, or a folder that a container shares with its host'],
]);

/** As `statfs` numbers them; undefined where nobody knows. */
export async function fileSystemOf(folder: string): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined;
  return (await statfs(folder).catch(() => undefined))?.type;
}

/** A word of warning for a folder whose changes may go unheard; undefined where all is well, or nobody knows. Pure. */
export function remoteText(folder: string, fileSystem: number | undefined): string | undefined {
  const kind = fileSystem === undefined ? undefined : remote.get(fileSystem >>> 0);
  if (kind === undefined) return undefined;
  return `${folder} is on a network drive (${kind}): changes that another computer makes are not heard of. Cure: \`--poll\`.`;
}

/** Data that changed, where data is not to be pushed, or the folder of it is gone. */
export function leftAloneText(paths: readonly string[], gone: readonly string[]): string {
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : '';
  const left = `Left alone: ${paths.slice(0, 3).join(', ')}${more}.`;
  if (gone.length > 0) {
    return `${left} ${gone.join(', ')} is gone: an image of nothing would wipe what the device has stored.`;
  }
  return (
    `${left} A file-system image overwrites what the device has stored; ` +
    '`push: { filesystem: on-change }` in .otarc pushes it all the same.'
  );
}

export const queuedText = 'one more push follows this one';
export const lastPushText = 'This push is finished first; `q` once more aborts it.';
export const builtElsewhereText = 'With `--no-build`, somebody else builds.';

export function productsText(paths: readonly string[]): string {
  return (
    `Each build writes ${paths.join(', ')}, so changes there during a build are ignored. ` +
    '`watch: { ignore: […] }` in .otarc leaves it out for good.'
  );
}

const mostShown = 5;

/** What is watched, as short as it can be named from the project's folder. */
export function watchedText({
  folder,
  roots,
  images,
  once,
}: {
  readonly folder: string;
  /** Of the sources; none where somebody else builds. */
  readonly roots: readonly string[];
  /** Where they are, or will be. */
  readonly images: readonly string[];
  readonly once: boolean;
}): string {
  const short = (path: string): string => {
    const below = relative(folder, path);
    return below === '' || below.startsWith('..') ? path : below;
  };
  if (roots.length === 0) {
    const named = images.map((path) => short(path) + (existsSync(path) ? '' : ' (not there yet)')).join(', ');
    return `${once ? 'waiting for a build to complete' : 'watching'} ${named}`;
  }
  const names = roots
    .filter((path) => existsSync(path))
    .map(short)
    .toSorted();
  const more = names.length > mostShown ? ` and ${names.length - mostShown} more` : '';
  return `watching ${names.slice(0, mostShown).join(', ')}${more}`;
}

/** How devices that did not get the image will get it. */
export function missedText(
  devices: readonly string[],
  { isListening }: { readonly isListening: boolean },
): string {
  const isOne = devices.length === 1;
  const what = isOne ? `${devices.join('')} gets it` : `${devices.join(', ')} get it`;
  const heard = `as soon as ${isOne ? 'it announces itself' : 'they announce themselves'} over mDNS, or `;
  return `${what} ${isListening ? heard : ''}with the next save`;
}

/** Why a run that builds what the configuration no longer asks for ends. */
export function configurationChanged(): OtaError {
  return new OtaError('CANCELLED', 'The configuration changed, so this run is given up.', {
    hint: 'The next one starts by itself.',
  });
}

/** Why what runs ends when a person has pressed `q`. */
export function quitByPerson(): OtaError {
  return new OtaError('CANCELLED', 'Ended by `q`.', { details: { reason: 'quit' } });
}

/** The same during a push, for the second time: it ends as with Ctrl-C. */
export function brokenOff(): OtaError {
  return new OtaError('CANCELLED', 'Aborted by `q`.', { details: { signal: 'SIGINT' } });
}

/** A script that waits for an image must not wait for ever: nobody may ever build one. */
export function nothingBuilt(limitMs: number): OtaError {
  const seconds = Math.round(limitMs / 1000);
  return new OtaError('TIMEOUT', `No build has completed an image within ${seconds} s.`, {
    hint: 'Start the build while otarc waits; or push what is there with `otarc push`.',
    details: { limitMs },
  });
}
