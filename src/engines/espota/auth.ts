/**
 * The three authentications that devices ask for (ArduinoOTA of the cores; `PROTOCOL` in the README).
 *
 * The length of the nonce tells MD5 from SHA-256. Whether a device that speaks SHA-256 has stored an MD5 hash cannot be
 * seen beforehand: it is the second candidate, tried after the first one failed.
 */

import { createHash, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { AuthScheme } from '../../model/events.ts';
import type { Credential } from '../../model/types.ts';

const pbkdf2Async = promisify(pbkdf2);

/** One way to answer a challenge. */
export interface ProofCandidate {
  readonly scheme: Exclude<AuthScheme, 'none'>;
  /** What the sketch has stored, in hex. Not shown to anybody. */
  readonly storedHash: string;
}

const hash = (algorithm: 'md5' | 'sha256', text: string): string =>
  createHash(algorithm).update(text, 'utf8').digest('hex');

/**
 * The answers worth trying on a nonce of this length, best first. Empty: this credential cannot answer it (nothing is
 * configured, or only a SHA-256 hash for a device that wants MD5).
 */
export function candidatesFor(credential: Credential, nonce: string): readonly ProofCandidate[] {
  if (credential.type === 'none') return [];
  const text = credential.secret.reveal();
  const wantsSha256 = nonce.length === 64;
  if (credential.type === 'hash') {
    if (!wantsSha256 && text.length !== 32) return [];
    const scheme = !wantsSha256 ? 'md5' : text.length === 64 ? 'sha256' : 'sha256-md5';
    return spellings(text).map((storedHash) => ({ scheme, storedHash }));
  }
  if (!wantsSha256) return [{ scheme: 'md5', storedHash: hash('md5', text) }];
  return [
    { scheme: 'sha256', storedHash: hash('sha256', text) },
    { scheme: 'sha256-md5', storedHash: hash('md5', text) },
  ];
}

/**
 * A hash as it is written, then in the other case: a device hashes the text that `setPasswordHash` was given, whose case it
 * takes as it is.
 */
function spellings(hash: string): readonly string[] {
  const lower = hash.toLowerCase();
  const other = hash === lower ? hash.toUpperCase() : lower;
  return other === hash ? [hash] : [hash, other];
}

/** A client nonce as long as the device's: 32 or 64 hex digits. */
export function randomCnonce(nonce: string): string {
  return randomBytes(nonce.length / 2).toString('hex');
}

/** The response to a challenge. The key derivation runs in the thread pool: the event loop stays free. */
export async function respond(challenge: {
  candidate: ProofCandidate;
  nonce: string;
  cnonce: string;
}): Promise<string> {
  const { candidate, nonce, cnonce } = challenge;
  if (candidate.scheme === 'md5') return hash('md5', `${candidate.storedHash}:${nonce}:${cnonce}`);
  const derived = await pbkdf2Async(candidate.storedHash, `${nonce}:${cnonce}`, 10_000, 32, 'sha256');
  return hash('sha256', `${derived.toString('hex')}:${nonce}:${cnonce}`);
}
