import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const LIMIT_MS = 15 * 60_000;

/** Lets one process at a time install. A lock whose owner is dead is taken over. */
export async function withLock(dir: string, work: () => Promise<void>): Promise<void> {
  await mkdir(dir, { recursive: true });
  const lock = join(dir, '.lock');
  await acquire(lock);
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function acquire(lock: string): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const owner = await ownerOf(lock);
    if (owner !== undefined && !isAlive(owner)) await discard(lock, owner);
    else await wait(250);
  }
  throw new Error(`Another process installs the tools and does not end: if that is not so, delete ${lock}`);
}

/** Two may see the same dead owner, and the slower one must not remove the lock that the quicker one has made since. */
async function discard(lock: string, owner: number): Promise<void> {
  const aside = `${lock}.${process.pid}`;
  await rename(lock, aside).catch(() => undefined);
  const taken = await ownerOf(aside);
  if (taken !== undefined && taken !== owner) await rename(aside, lock);
  await rm(aside, { force: true });
}

async function ownerOf(lock: string): Promise<number | undefined> {
  const text = await readFile(lock, 'utf8').catch(() => '');
  return text === '' ? undefined : Number(text);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
