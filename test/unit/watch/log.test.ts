import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  fileSystemOf,
  leftAloneText,
  missedText,
  problemText,
  remoteText,
  watchedText,
} from '../../../src/watch/log.ts';

describe('what cannot be watched', () => {
  it.each([
    ['ENOSPC', 'fs.inotify.max_user_watches'],
    ['EMFILE', 'fs.inotify.max_user_instances'],
    ['ENFILE', 'fs.file-max'],
  ])('%s is told with its own cure, and with the one that needs no rights', (code, setting) => {
    const text = problemText({ type: 'limit', code });
    expect(text).toContain(code);
    expect(text).toContain('--poll');
    expect(text.includes(setting)).toBe(process.platform === 'linux');
  });

  it('is a path that has gone', () => {
    expect(problemText({ type: 'vanished', path: '/p/src' })).toBe(
      '/p/src is gone; it is watched again when it is back.',
    );
  });

  it.each([
    [0x6969, 'NFS'],
    [0xff534d42 | 0, 'CIFS'],
    [0x01021997, '9P'],
    [0x65735546, 'FUSE'],
  ])('is a network drive (%i)', (type, name) => {
    expect(remoteText('/p', type)).toMatch(new RegExp(`^/p is on a network drive \\(${name}.*--poll`));
  });

  it('is no folder of this computer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'otarc-'));
    expect(remoteText(folder, await fileSystemOf(folder))).toBeUndefined();
    expect(remoteText(folder, await fileSystemOf(join(folder, 'none')))).toBeUndefined();
  });
});

describe('what a person is told', () => {
  it('names what is watched from the folder of the project, a few of many', () => {
    const folder = '/no/such/project';
    const images = [join(folder, 'out', 'a.bin')];
    expect(watchedText({ folder, roots: [], images, once: false })).toBe(
      `watching ${join('out', 'a.bin')} (not there yet)`,
    );
    expect(watchedText({ folder, roots: [], images, once: true })).toMatch(
      /^waiting for a build to complete out/,
    );
    const here = process.cwd();
    const roots = ['src', 'test', 'no-such-folder', 'README.md', 'LICENSE', 'package.json', 'tsconfig.json'];
    expect(
      watchedText({ folder: here, roots: roots.map((name) => join(here, name)), images: [], once: false }),
    ).toBe('watching LICENSE, README.md, package.json, src, test and 1 more');
  });

  it('says when a missed device gets its image', () => {
    expect(missedText(['hall'], { isListening: true })).toBe(
      'hall gets it as soon as it announces itself over mDNS, or with the next save',
    );
    expect(missedText(['hall', 'attic'], { isListening: false })).toBe(
      'hall, attic get it with the next save',
    );
  });

  it('says why data is left alone whose folder is gone', () => {
    expect(leftAloneText(['data/a'], ['/p/data'])).toBe(
      'Left alone: data/a. /p/data is gone: an image of nothing would wipe what the device has stored.',
    );
  });

  it('names a few of the data that were left alone', () => {
    expect(leftAloneText(['a', 'b', 'c', 'd', 'e'], [])).toMatch(
      /^Left alone: a, b, c and 2 more\. .*on-change/,
    );
  });
});
