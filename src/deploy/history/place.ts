/** Where the history lies, who writes it, and who may read it. */

import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Modes } from './journal.ts';

export interface HistoryPlace {
  /** Absolute. */
  readonly folder: string;
  readonly modes: Modes;
  /** A shared folder that is not shared: why, a sentence. */
  readonly warning?: string;
  readonly user: string;
  readonly computer: string;
}

const own: Modes = { folder: 0o700, file: 0o600 };

/**
 * `shared`: the folder of `history.dir`, absolute. Without it, the one for the state of this user's programs, as `env`
 * says it; undefined where that names no home.
 */
export function historyPlace(
  env: NodeJS.ProcessEnv,
  { shared, platform = process.platform }: { shared?: string | undefined; platform?: NodeJS.Platform } = {},
): HistoryPlace | undefined {
  const folder = shared ?? stateFolder(env, platform);
  if (folder === undefined) return undefined;
  const user = env['USER'] || env['LOGNAME'] || env['USERNAME'] || userOfSystem();
  const access = shared === undefined ? { modes: own } : accessTo(shared);
  return { folder, ...access, user, computer: hostname() };
}

/** Under cron and in containers no variable names the user. */
function userOfSystem(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

/** The places of env-paths, which reads them from the process's own environment and for its own system only. */
function stateFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const [home, local, xdg] = ['HOME', 'LOCALAPPDATA', 'XDG_STATE_HOME'].map((name) => env[name] || undefined);
  if (platform === 'win32') return local && join(local, 'otarc', 'Data');
  // Not the folder for logs: what cleans a Mac up empties that one.
  if (platform === 'darwin') return home && join(home, 'Library', 'Application Support', 'otarc');
  return (xdg && isAbsolute(xdg) && join(xdg, 'otarc')) || (home && join(home, '.local', 'state', 'otarc'));
}

/** Whoever may use a shared folder may use what is in it; nobody else, for images hold passwords of networks. */
function accessTo(folder: string): Pick<HistoryPlace, 'modes' | 'warning'> {
  if (process.platform === 'win32') return { modes: own };
  try {
    const { mode: all, gid } = statSync(folder);
    const mode = all & 0o2770;
    if ((mode & 0o070) === 0) return { modes: own };
    const isPassedOn = (mode & 0o2000) !== 0;
    if (!isPassedOn && !isOwnGroup(gid)) {
      return {
        modes: own,
        warning: `${folder} does not pass its group on to new files: what this push adds to the history is for you alone; \`chmod g+s\` shares it`,
      };
    }
    return { modes: { folder: mode | 0o700, file: (mode & 0o660) | 0o600, gid } };
  } catch {
    return { modes: own };
  }
}

/** Only to such a group can a user give a file. */
function isOwnGroup(gid: number): boolean {
  const { getgroups, getegid, geteuid } = process;
  return geteuid?.() === 0 || getegid?.() === gid || getgroups?.().includes(gid) === true;
}

/** A name that is fit for a file on every system, and another for each text. */
export function fileNameOf(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const legible = text
    .normalize('NFKD')
    .replaceAll(/[^\w.@-]+/g, '')
    .slice(0, 40);
  return `${legible}-${digest}`;
}
