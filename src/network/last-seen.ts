/**
 * Where devices were found last: a file in the user's cache folder. What it says is a hint and no more: the address is
 * asked, over mDNS, whether it still has the name. Without the file, or with one that cannot be read, there is no hint.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { readSmallFileSync, textOf } from '../config/small-file.ts';
import { isAddress } from '../model/address.ts';
import { canonicalHost } from '../model/host-name.ts';

export interface LastSeen {
  addressOf(host: string): string | undefined;
  /** Never throws: what cannot be written is found anew. */
  remember(host: string, address: string): void;
}

const mostNames = 200;

export function lastSeenIn(file: string): LastSeen {
  return {
    addressOf: (host) => read(file).get(canonicalHost(host)),
    remember: (host, address) => {
      const name = canonicalHost(host);
      const known = read(file);
      // The one that was pushed to last stands at the end.
      if (known.get(name) === address && [...known.keys()].at(-1) === name) return;
      known.delete(name);
      known.set(name, address);
      write(file, [...known].slice(-mostNames));
    },
  };
}

/** Of this user and system; undefined where the environment names no home. */
export function cacheFile(env: NodeJS.ProcessEnv, platform = process.platform): string | undefined {
  const [home, local, xdg] = ['HOME', 'LOCALAPPDATA', 'XDG_CACHE_HOME'].map((name) => env[name] || undefined);
  const folder =
    platform === 'win32'
      ? local && join(local, 'otarc', 'Cache')
      : platform === 'darwin'
        ? home && join(home, 'Library', 'Caches', 'otarc')
        : (xdg && isAbsolute(xdg) && join(xdg, 'otarc')) || (home && join(home, '.cache', 'otarc'));
  return folder && join(folder, 'last-seen.json');
}

function read(file: string): Map<string, string> {
  try {
    const { version, devices } = JSON.parse(textOf(readSmallFileSync(file))) as Record<string, unknown>;
    if (version !== 1 || !Array.isArray(devices)) return new Map();
    return new Map(devices.filter(isEntry));
  } catch {
    return new Map();
  }
}

function isEntry(value: unknown): value is [name: string, address: string] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [name, address]: unknown[] = value;
  return typeof name === 'string' && typeof address === 'string' && isAddress(address);
}

/** Whole or not at all: two otarcs may write at once, and then one of them is forgotten. */
function write(file: string, devices: readonly (readonly [string, string])[]): void {
  const draft = `${file}.${randomUUID()}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(draft, `${JSON.stringify({ version: 1, devices })}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } catch {
    removeQuietly(draft);
  }
}

function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // There is none.
  }
}
