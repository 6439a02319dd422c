/** Whether a file that a build has written among its sources has changed at all. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface Contents {
  /** A change of this file is heard of. `true`: a build runs, and has written what was there before. */
  isRewritten(path: string, isBuilding: boolean): boolean;
}

const mostFiles = 1_000;

export function createContents(): Contents {
  const digests = new Map<string, string>();
  return {
    isRewritten(path, isBuilding) {
      const before = digests.get(path);
      // Of most files nobody has to know what is in them.
      if (before === undefined && !isBuilding) return false;
      const digest = digestOf(path);
      if (digest !== undefined && digests.size < mostFiles) digests.set(path, digest);
      else digests.delete(path);
      return isBuilding && digest !== undefined && digest === before;
    },
  };
}

/** Undefined: it is gone. */
function digestOf(path: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return undefined;
  }
}
