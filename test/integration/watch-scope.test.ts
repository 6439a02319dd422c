import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { gitIgnoreBelow, ignoreFilesAbove } from '../../src/watch/git-ignore.ts';
import { scopeOf } from '../../src/watch/scope.ts';
import { tempDir } from '../support/temp-dir.ts';

async function write(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
}

const git = await execa('git', ['--version'], { reject: false });

describe('what git ignores', () => {
  it.skipIf(git.exitCode !== 0)('is what git says of every path', async () => {
    const dir = await tempDir();
    const names = [
      'a.log',
      'keep.log',
      'build/x.bin',
      'src/build/x.bin',
      'src/main.cpp',
      'src/deep/er/y.tmp',
      'src/deep/er/z.cpp',
      'src/only-here.h',
      'only-here.h',
      'docs/a.md',
      'docs/keep/a.md',
      'x y/ü.cpp',
      'excluded/by-info.h',
      '.hidden/a',
      'src/debug/a.cpp',
      'Debug/a.cpp',
      'src/out/kept.bin',
      'src/out/left.bin',
      'src/LOUD.LOG',
    ];
    await write(dir, {
      ...Object.fromEntries(names.map((name) => [name, 'x'])),
      '.gitignore': '*.log\n!keep.log\n/build/\ndocs/*\n!docs/keep/\n.hidden\nDebug/\n*.bin\n!kept.bin\n',
      'src/.gitignore': 'only-here.h\ndeep/**/*.tmp\n',
      'x y/.gitignore': '# nothing\n\n*.o\n',
    });
    await execa('git', ['init', '-q'], { cwd: dir });
    await writeFile(join(dir, '.git', 'info', 'exclude'), 'excluded/\n');
    const { stdout } = await execa('git', ['check-ignore', '--no-index', '--stdin', '-z'], {
      cwd: dir,
      input: names.join('\0'),
      reject: false,
    });
    const ignored = new Set(stdout.split('\0'));
    expect(ignored.size).toBeGreaterThan(5);
    const isIgnored = gitIgnoreBelow(dir);
    const mine = names.filter((name) => isIgnored(join(dir, name), false));
    expect(mine).toEqual(names.filter((name) => ignored.has(name)));
    // The same from a folder in the middle, where nothing above it ignores the folder itself.
    const below = gitIgnoreBelow(join(dir, 'src'));
    const inSrc = names.filter((name) => name.startsWith('src/'));
    expect(inSrc.filter((name) => below(join(dir, name), false))).toEqual(
      inSrc.filter((name) => ignored.has(name)),
    );
  });

  it('has its last word in the nearest file, also above the folder that is looked at', async () => {
    const dir = await tempDir();
    const names = ['p/q/src/a.gen', 'p/q/src/b.gen', 'p/q/src/b.log', 'p/q/src/main.cpp'];
    await write(dir, {
      ...Object.fromEntries(names.map((name) => [name, 'x'])),
      '.gitignore': '*.gen\n*.log\n',
      'p/.gitignore': '!a.gen\n',
      'p/q/.gitignore': '!*.log\n',
    });
    await execa('git', ['init', '-q'], { cwd: dir });
    const { stdout } = await execa('git', ['check-ignore', '--no-index', ...names], { cwd: dir });
    const isIgnored = gitIgnoreBelow(join(dir, 'p', 'q', 'src'));
    const mine = names.filter((name) => isIgnored(join(dir, name), false));
    expect(mine).toEqual(stdout.split('\n'));
    expect(ignoreFilesAbove(join(dir, 'p', 'q', 'src'))).toEqual(
      ['p/q', 'p', '.'].map((folder) => join(dir, folder, '.gitignore')),
    );
  });

  it('does not count where it would ignore all that is wanted', async () => {
    const dir = await tempDir();
    await write(dir, { '.git/HEAD': '', '.gitignore': '*\n', 'p/.gitignore': '*.log\n' });
    const isIgnored = gitIgnoreBelow(join(dir, 'p'));
    expect(isIgnored(join(dir, 'p', 'main.cpp'), false)).toBe(false);
    expect(isIgnored(join(dir, 'p', 'a.log'), false)).toBe(true);
    expect(isIgnored(join(dir, 'elsewhere'), false)).toBe(false);
  });
});

describe('what a change means', () => {
  it('is decided by the nearest root; products, noise and what beside a library is mean nothing', async () => {
    const dir = await tempDir();
    const at = (name: string): string => join(dir, name);
    const scope = scopeOf({
      sources: {
        firmware: [at('sketch')],
        libraries: [at('libraries')],
        filesystem: [at('sketch/data')],
        project: [at('sketch/sketch.yaml')],
        products: [at('sketch/build')],
      },
      paths: [at('sketch/build/forced.h')],
      ignore: ['*.md', '/generated/'],
      ignoreDir: at('sketch'),
    });
    const meanings = {
      sketch: 'firmware',
      'sketch/sketch.ino': 'firmware',
      'sketch/src/a.cpp': 'firmware',
      'sketch/data/index.htm': 'filesystem',
      'sketch/data/app.js.map': 'filesystem',
      'sketch/data/12345': 'filesystem',
      'sketch/data/.cache/x': 'filesystem',
      'sketch/data/index.htm~': undefined,
      'sketch/data/.DS_Store': undefined,
      'sketch/data/.git/HEAD': undefined,
      'sketch/src/a.d': undefined,
      'sketch/sketch.yaml': 'project',
      'sketch/.gitignore': 'rules',
      'sketch/build/x.bin': undefined,
      'sketch/build/forced.h': 'firmware',
      'sketch/README.md': undefined,
      'sketch/generated/a.h': undefined,
      'sketch/src/generated/a.h': 'firmware',
      'sketch/.otarc': undefined,
      'sketch/.otarc.env': undefined,
      'sketch/node_modules/a/a.h': undefined,
      'sketch/.git/index': undefined,
      'sketch/.sketch.ino.swp': undefined,
      'sketch/sketch.ino~': undefined,
      'sketch/4913': undefined,
      'sketch/#sketch.ino#': undefined,
      'sketch/.#sketch.ino': undefined,
      'sketch/sketch.ino___jb_tmp___': undefined,
      'sketch/a.o': undefined,
      'libraries/Foo/src/Foo.cpp': 'firmware',
      'libraries/Foo/examples/A/A.ino': undefined,
      'libraries/examples/src/x.cpp': 'firmware',
      'elsewhere/a.cpp': undefined,
    };
    expect(
      Object.fromEntries(Object.keys(meanings).map((name) => [name, scope.meaningOf(at(name))])),
    ).toEqual(meanings);
    expect(scope.meaningOf(at('libraries/Foo/examples'), true)).toBeUndefined();
    expect(scope.meaningOf(at('libraries/Foo'), true)).toBe('firmware');
  });
});
