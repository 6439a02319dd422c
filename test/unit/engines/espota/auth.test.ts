import { createHash, pbkdf2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { candidatesFor, randomCnonce, respond } from '../../../../src/engines/espota/auth.ts';
import { Secret } from '../../../../src/model/secret.ts';
import type { Credential } from '../../../../src/model/types.ts';

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex');
const password: Credential = { type: 'password', secret: new Secret('a-real-password') };
const hashed = (text: string): Credential => ({ type: 'hash', secret: new Secret(text) });
const short = 'ab'.repeat(16);
const long = 'ab'.repeat(32);

test('the vector of the SHA-256 exchange', async () => {
  const [candidate] = candidatesFor(password, long);
  if (candidate === undefined) throw new Error('no candidate');
  expect(candidate.scheme).toBe('sha256');
  expect(await respond({ candidate, nonce: long, cnonce: 'cd'.repeat(32) })).toBe(
    '4d63ba8b1efa8949a0c5caefe7e8bc77db582e5531bdf2667c663394b4551b93',
  );
});

test('the SHA-256 exchange over a stored MD5', async () => {
  const [, candidate] = candidatesFor(password, long);
  if (candidate === undefined) throw new Error('no second candidate');
  expect(candidate.scheme).toBe('sha256-md5');
  const salt = `${long}:${'cd'.repeat(32)}`;
  const key = pbkdf2Sync(hash('md5', 'a-real-password'), salt, 10_000, 32, 'sha256').toString('hex');
  expect(await respond({ candidate, nonce: long, cnonce: 'cd'.repeat(32) })).toBe(
    hash('sha256', `${key}:${salt}`),
  );
});

test('the MD5 exchange, by hand', async () => {
  const [candidate] = candidatesFor(password, short);
  if (candidate === undefined) throw new Error('no candidate');
  const cnonce = 'cd'.repeat(16);
  expect(await respond({ candidate, nonce: short, cnonce })).toBe(
    hash('md5', `${hash('md5', 'a-real-password')}:${short}:${cnonce}`),
  );
});

describe('candidatesFor', () => {
  const md5 = hash('md5', 'pw');
  const sha256 = hash('sha256', 'pw');
  test.each<[string, Credential, string, string[]]>([
    ['nothing configured, MD5', { type: 'none' }, short, []],
    ['nothing configured, SHA-256', { type: 'none' }, long, []],
    ['a password, MD5', password, short, ['md5']],
    ['a password, SHA-256', password, long, ['sha256', 'sha256-md5']],
    ['an MD5 hash, MD5', hashed(md5), short, ['md5', 'md5']],
    ['an MD5 hash, SHA-256', hashed(md5), long, ['sha256-md5', 'sha256-md5']],
    ['an MD5 hash without a letter, MD5', hashed('12'.repeat(16)), short, ['md5']],
    ['a SHA-256 hash, MD5', hashed(sha256), short, []],
    ['a SHA-256 hash, SHA-256', hashed(sha256), long, ['sha256', 'sha256']],
  ])('%s', (_, credential, nonce, schemes) => {
    expect(candidatesFor(credential, nonce).map(({ scheme }) => scheme)).toEqual(schemes);
  });

  test('a hash is used as it is written, then in the other case', () => {
    const stored = (text: string, nonce: string): string[] =>
      candidatesFor(hashed(text), nonce).map(({ storedHash }) => storedHash);
    const [capitals, mixed] = [md5.toUpperCase(), md5.slice(0, 16) + md5.slice(16).toUpperCase()];
    for (const nonce of [short, long]) {
      expect(stored(md5, nonce)).toEqual([md5, capitals]);
      expect(stored(capitals, nonce)).toEqual([capitals, md5]);
      expect(stored(mixed, nonce)).toEqual([mixed, md5]);
    }
  });
});

test('a cnonce is as long as the nonce, and new each time', () => {
  expect(randomCnonce(short)).toMatch(/^[0-9a-f]{32}$/);
  expect(randomCnonce(long)).toMatch(/^[0-9a-f]{64}$/);
  expect(randomCnonce(long)).not.toBe(randomCnonce(long));
});
