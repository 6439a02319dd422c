/** The device's side of the authentication. */

import { createHash, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

import type { ModelFacts } from './models.ts';

type Scheme = ModelFacts['auth'];

const derive = promisify(pbkdf2);
/** Of the ESP32 core from 3.3.1 on. */
const iterations = 10_000;

/**
 * What the sketch keeps: a hash, or nothing where it asks for no password. An empty password is none, as on the device. A
 * hash stays as it was given: a device that was given capitals compares capitals.
 */
export function storedHash(
  scheme: Scheme,
  { password, passwordHash }: { password?: string | undefined; passwordHash?: string | undefined },
): string | undefined {
  if (passwordHash) return passwordHash;
  if (!password) return undefined;
  return hash(scheme === 'sha256' ? 'sha256' : 'md5', password);
}

/** Of nonce, cnonce and response, in hex digits. Anything else is not looked at. */
export function tokenLength(scheme: Scheme): 32 | 64 {
  return scheme === 'md5' ? 32 : 64;
}

export interface AuthProof {
  readonly nonce: string;
  readonly cnonce: string;
  readonly response: string;
}

export type VerifyProof = (scheme: Scheme, stored: string, proof: AuthProof) => Promise<boolean>;

/** Whether `response` proves that its sender knows what is stored. */
export async function verifyProof(scheme: Scheme, stored: string, proof: AuthProof): Promise<boolean> {
  const expected = await expectedResponse(scheme, stored, proof);
  const [a, b] = [Buffer.from(expected), Buffer.from(proof.response)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function expectedResponse(scheme: Scheme, stored: string, proof: AuthProof): Promise<string> {
  const salt = `${proof.nonce}:${proof.cnonce}`;
  if (scheme === 'md5') return hash('md5', `${stored}:${salt}`);
  const key = await derive(stored, salt, iterations, 32, 'sha256');
  return hash('sha256', `${key.toString('hex')}:${salt}`);
}

function hash(algorithm: 'md5' | 'sha256', text: string): string {
  return createHash(algorithm).update(text).digest('hex');
}
