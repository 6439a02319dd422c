/** Who has called: all that a hook of arduino-cli can know of what comes after the build. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/**
 * Whether the arduino-cli that runs this hook will upload the image itself: `compile --upload` fires the hook first. The
 * Arduino IDE builds and uploads by two requests to one daemon; there nothing can be seen.
 *
 * @param parent its process; on Windows nobody can be asked cheaply
 */
export async function uploadFollows(parent: number): Promise<boolean> {
  const words = await wordsOf(parent);
  const isArduino = words.slice(0, 2).some((word) => /(?:^|[\\/])arduino-cli(?:\.exe)?$/.test(word));
  return isArduino && words.includes('compile') && words.some((word) => word === '-u' || word === '--upload');
}

async function wordsOf(pid: number): Promise<string[]> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  }
  if (process.platform === 'win32') return [];
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'args=', '-p', String(pid)], { timeout: 1000 }, (error, stdout) =>
      resolve(error === null ? stdout.trim().split(/\s+/) : []),
    );
  });
}
