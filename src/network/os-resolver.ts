/**
 * The system's resolver: hosts file, DNS, and whatever else the system knows names by.
 *
 * It is asked in a child process. `getaddrinfo` cannot be cancelled: while it waits (5 s for a `.local` name with
 * nss-mdns or on macOS, 10 s and more for a DNS server that is silent) neither `process.exit` nor Ctrl-C would end otarc
 * (measured: exit 3 s late for a resolver timeout of 3 s), and four such names would block every file and every key
 * derivation, which share its thread pool. A child can be killed.
 */

import { execFile } from 'node:child_process';
import { isUsableAddress } from '../model/address.ts';
import type { LookUp, OsAnswer } from './types.ts';

const script = `require('node:dns').lookup(process.argv[1], { all: true }, (error, found) => {
  process.stdout.write(error ? String(error.code) : 'found ' + found.map(({ address }) => address).join(' '));
});`;

/** Each child takes some 40 MB: a push to many devices asks for a few at a time. */
const mostChildren = 4;
let children = 0;
const queue: (() => void)[] = [];

export const lookUpInSystem: LookUp = async (name, signal) => {
  while (children >= mostChildren) await new Promise<void>((resolve) => queue.push(resolve));
  children += 1;
  try {
    return signal.aborted ? { type: 'failed', code: 'ABORTED' } : await lookUpInChild(name, signal);
  } finally {
    children -= 1;
    queue.shift()?.();
  }
};

function lookUpInChild(name: string, signal: AbortSignal): Promise<OsAnswer> {
  // Electron, where an editor may load the library, is Node only when told so.
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['-e', script, '--', name],
      { env, signal, windowsHide: true, maxBuffer: 64 * 1024 },
      (error, output) => resolve(error === null ? readOutput(output) : failureOf(error)),
    );
  });
}

function readOutput(output: string): OsAnswer {
  const [first, ...rest] = output.trim().split(' ');
  if (first !== 'found')
    return { type: 'failed', code: first === undefined || first === '' ? 'UNKNOWN' : first };
  const addresses = rest.filter(isUsableAddress);
  return addresses.length > 0 ? { type: 'answered', addresses } : { type: 'failed', code: 'ENOTFOUND' };
}

function failureOf(error: Error & { code?: unknown }): OsAnswer {
  return { type: 'failed', code: typeof error.code === 'string' ? error.code : 'UNKNOWN' };
}
