/**
 * Where a file is written before it takes its place: under its own name, in a folder beside it that only its owner may enter.
 * So whatever keeps the file out of git (a line for it, or `*.env`) keeps out its text that is left where otarc was killed, and
 * nobody else can read it. The next run removes what is left.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** What the name of the folder begins with. The process follows: one that still runs is not done with it. */
export const temporaryFolder = '.otarc-new.';
const folderName = /^\.otarc-new\.(\d+)\.[0-9a-f]{8}$/;
/** As versions before 1.0 named the file itself. */
const formerName = /^\..+\.[0-9a-f]{8}\.otarc-new$/;

/** @param use gets the path of a file that does not exist, on the file system of `target` */
export async function besideOf(target: string, use: (temporary: string) => Promise<void>): Promise<void> {
  const name = `${temporaryFolder}${process.pid}.${randomBytes(4).toString('hex')}`;
  const folder = join(dirname(target), name);
  await mkdir(folder, { mode: 0o700 });
  try {
    await use(join(folder, basename(target)));
    await rmdir(folder);
  } catch (error) {
    await rm(folder, { force: true, recursive: true }).catch(() => undefined);
    throw error;
  }
}

/** What killed runs have left in these folders. What cannot be removed stays: it is in nobody's way. */
export async function removeLeftovers(folders: Iterable<string>): Promise<void> {
  for (const folder of new Set(folders)) {
    const names = await readdir(folder).catch(() => []);
    const left = names.filter((name) => {
      const pid = folderName.exec(name)?.[1];
      return pid === undefined ? formerName.test(name) : !isRunning(Number(pid));
    });
    for (const name of left)
      await rm(join(folder, name), { force: true, recursive: true }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process runs, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
