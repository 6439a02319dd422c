/**
 * Ending a tool with all that it has started.
 *
 * A tool is started as the leader of a session and a group of its own. The group alone is not enough: arduino-cli puts every
 * compiler (and every hook) into a further group (go-paths-helper, `Setpgid`), and dies without ending them. On Linux
 * the session holds them all, orphans too. Elsewhere the children are followed from the leader while it lives.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Compilers delete their temporary files, SCons and make their half-written targets, and need a moment for it. */
const GRACE_MS = 300;
const LIMIT_MS = 450;
const POLL_MS = 20;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/** Resolves when no process of the tool is left, half a second later at most. */
export async function endGroup(leader: number | undefined): Promise<void> {
  if (leader === undefined) return;
  if (process.platform === 'win32') return endTreeOnWindows(leader);

  const startedAt = performance.now();
  const asked = new Set<number>();
  for (let elapsedMs = 0; elapsedMs < LIMIT_MS; elapsedMs = performance.now() - startedAt) {
    const members = membersOf(leader, asked);
    if (members.length === 0) return;
    if (elapsedMs >= GRACE_MS) signalAll(members, 'SIGKILL');
    else
      signalAll(
        members.filter((pid) => !asked.has(pid)),
        'SIGTERM',
      );
    for (const pid of members) asked.add(pid);
    await wait(POLL_MS);
  }
}

/** At once, for the end of this process: nothing can be awaited there. */
export function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  if (process.platform === 'win32') endTreeOnWindows(leader);
  else signalAll(membersOf(leader, new Set()), 'SIGKILL');
}

function membersOf(leader: number, known: ReadonlySet<number>): number[] {
  const processes = process.platform === 'linux' ? processesOfLinux() : processesOfPs();
  const members = new Set<number>();
  // parents stand before their children in most lists, not in all: repeat until nothing is added
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const { pid, parent, group, session } of processes) {
      const belongs = pid === leader || group === leader || session === leader;
      if (belongs || members.has(parent) || known.has(pid)) members.add(pid);
    }
  }
  return [...members];
}

/** Zombies left out: they have ended, only nobody has taken note. */
function processesOfLinux(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // the name of the program stands in parentheses and may hold anything, so read from the last one
      const [state, parent, group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || state === 'X') return [];
      return [{ pid: Number(name), parent: Number(parent), group: Number(group), session: Number(session) }];
    } catch {
      return []; // ended since the folder was read
    }
  });
}

function processesOfPs(): Process[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, group, state] = line.trim().split(/\s+/);
    if (state === undefined || state.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), session: 0 }];
  });
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // ended since
    }
  }
}

function endTreeOnWindows(leader: number): void {
  spawnSync('taskkill', ['/pid', String(leader), '/T', '/F'], { windowsHide: true });
}
