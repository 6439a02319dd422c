import { readdirSync, readFileSync } from 'node:fs';

/** Linux: the names of all living processes whose environment says `HOME=<home>`, whoever their parent or group is. */
export function processesOf(home: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      return environment.includes(`HOME=${home}`) ? [readFileSync(`/proc/${pid}/comm`, 'utf8').trim()] : [];
    } catch {
      return []; // no process, or one that has just ended
    }
  });
}
