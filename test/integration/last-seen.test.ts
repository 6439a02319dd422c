import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFile, lastSeenIn } from '../../src/network/last-seen.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('where devices were last', () => {
  it('is kept between runs, by the name however it is written', async () => {
    const file = join(await tempDir(), 'a', 'b', 'last-seen.json');
    lastSeenIn(file).remember('Hall.local', '192.0.2.7');
    lastSeenIn(file).remember('attic', 'fe80::7%eth0');
    expect(lastSeenIn(file).addressOf('hall')).toBe('192.0.2.7');
    expect(lastSeenIn(file).addressOf('ATTIC.local.')).toBe('fe80::7%eth0');
    expect(lastSeenIn(file).addressOf('cellar')).toBeUndefined();
    expect(await readdir(join(file, '..'))).toEqual(['last-seen.json']);
  });

  it('is bounded: who was not pushed to for the longest time is forgotten', async () => {
    const file = join(await tempDir(), 'last-seen.json');
    const seen = lastSeenIn(file);
    seen.remember('own', '192.0.2.8');
    for (let index = 0; index < 250; index += 1) {
      seen.remember(`n${index}`, '192.0.2.7');
      if (index === 100) seen.remember('own', '192.0.2.8');
    }
    expect(['n50', 'n51', 'own'].map(seen.addressOf)).toEqual([undefined, '192.0.2.7', '192.0.2.8']);
    expect((await readFile(file, 'utf8')).length).toBeLessThan(10_000);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"version":2,"devices":[["hall","192.0.2.7"]]}',
    '{"version":1,"devices":1}',
  ])('is not known from a file with %j', async (text) => {
    const file = join(await tempDir(), 'last-seen.json');
    await writeFile(file, text);
    expect(lastSeenIn(file).addressOf('hall')).toBeUndefined();
    lastSeenIn(file).remember('hall', '192.0.2.8');
    expect(lastSeenIn(file).addressOf('hall')).toBe('192.0.2.8');
  });

  it('takes nothing but addresses for addresses', async () => {
    const file = join(await tempDir(), 'last-seen.json');
    const devices = [['a', 'evil.example.com'], ['b', 7], 'c', ['d', '192.0.2.7', 'x'], ['e', '192.0.2.7']];
    await writeFile(file, JSON.stringify({ version: 1, devices }));
    const seen = lastSeenIn(file);
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => seen.addressOf(name))).toEqual([
      ...Array.from({ length: 4 }, () => undefined),
      '192.0.2.7',
    ]);
  });

  it('is no error where it can be neither read nor written', async () => {
    const file = join(await tempDir(), 'last-seen.json');
    await mkdir(file);
    expect(lastSeenIn(file).addressOf('hall')).toBeUndefined();
    expect(() => lastSeenIn(file).remember('hall', '192.0.2.7')).not.toThrow();
    expect(() => lastSeenIn(join(file, '\0')).remember('hall', '192.0.2.7')).not.toThrow();
  });

  it.each([
    ['linux', { HOME: '/h' }, '/h/.cache/otarc/last-seen.json'],
    ['linux', { HOME: '/h', XDG_CACHE_HOME: '/x' }, '/x/otarc/last-seen.json'],
    ['darwin', { HOME: '/h' }, '/h/Library/Caches/otarc/last-seen.json'],
    ['win32', { LOCALAPPDATA: '/l' }, '/l/otarc/Cache/last-seen.json'],
    ['linux', { HOME: '/h', XDG_CACHE_HOME: 'relative' }, '/h/.cache/otarc/last-seen.json'],
    ['linux', {}, undefined],
  ] as const)('is on %s with %j in %s', (platform, env, expected) => {
    expect(cacheFile(env, platform)).toBe(expected);
  });
});
