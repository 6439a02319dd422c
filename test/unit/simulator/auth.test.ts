import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import { storedHash, tokenLength, verifyProof } from '../../../src/simulator/auth.ts';

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex');

test('the vector of protocol.md', async () => {
  const proof = {
    nonce: 'ab'.repeat(32),
    cnonce: 'cd'.repeat(32),
    response: '4d63ba8b1efa8949a0c5caefe7e8bc77db582e5531bdf2667c663394b4551b93',
  };
  const stored = storedHash('sha256', { password: 'a-real-password' }) ?? '';
  expect(await verifyProof('sha256', stored, proof)).toBe(true);
  expect(
    await verifyProof('sha256', storedHash('sha256-md5', { password: 'a-real-password' }) ?? '', proof),
  ).toBe(false);
  expect(await verifyProof('sha256', stored, { ...proof, response: '' })).toBe(false);
});

test('the MD5 exchange', async () => {
  const [nonce, cnonce] = ['a'.repeat(32), 'b'.repeat(32)];
  const stored = hash('md5', 'secret');
  const response = hash('md5', `${stored}:${nonce}:${cnonce}`);
  expect(await verifyProof('md5', stored, { nonce, cnonce, response })).toBe(true);
  expect(await verifyProof('md5', stored, { nonce: cnonce, cnonce, response })).toBe(false);
});

test('what a sketch keeps', () => {
  expect(storedHash('md5', { password: 'secret' })).toBe(hash('md5', 'secret'));
  expect(storedHash('sha256', { password: 'secret' })).toBe(hash('sha256', 'secret'));
  expect(storedHash('sha256-md5', { password: 'secret' })).toBe(hash('md5', 'secret'));
  expect(storedHash('md5', { passwordHash: 'ABCD' })).toBe('ABCD');
  expect(storedHash('md5', { password: '' })).toBeUndefined();
  expect(storedHash('md5', {})).toBeUndefined();
});

test('tokens have 32 digits, or 64 from core 3.3.1 on', () => {
  expect(tokenLength('md5')).toBe(32);
  expect(tokenLength('sha256')).toBe(64);
  expect(tokenLength('sha256-md5')).toBe(64);
});
