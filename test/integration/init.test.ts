import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { FoundDevice } from '../../src/model/announcement.ts';
import { planToAdd } from '../../src/init/add.ts';
import { writeEdits } from '../../src/init/write.ts';
import { stateOf } from '../support/folder-state.ts';
import { init } from '../support/init.ts';
import { tempDir } from '../support/temp-dir.ts';

const livingroom: FoundDevice = {
  name: 'livingroom',
  host: 'livingroom.local',
  addresses: ['192.0.2.7'],
  port: 8266,
  platform: 'esp8266',
  authRequired: true,
};
const hall: FoundDevice = {
  name: 'hall',
  host: 'hall.local',
  addresses: ['192.0.2.8'],
  port: 8266,
  platform: 'esp8266',
  authRequired: false,
};
const ini = '[env:d1]\nboard = d1_mini\n';

/** A folder with these files. */
async function folderWith(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const dir = join(await tempDir(), 'p');
  await mkdir(dir);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(dir, name, '..'), { recursive: true });
    await writeFile(join(dir, name), text, 'latin1');
  }
  return dir;
}

const textOf = (dir: string, name: string): Promise<string> => readFile(join(dir, name), 'utf8');
const wordsOf = async (dir: string): Promise<string> =>
  (await textOf(dir, '.otarc')).replaceAll(/^#.*\n/gm, '').replaceAll(/ {3}#.*$/gm, '');

describe('the devices of a new .otarc', () => {
  it('are those that were named; a password that one wants is to be provided', async () => {
    const dir = await folderWith();
    const run = await init(dir, { devices: ['livingroom'] }, { found: [livingroom] });
    expect(run.exitCode).toBe(0);
    expect(await wordsOf(dir)).toBe(
      'devices:\n  livingroom:\n    host: livingroom.local\n    password: { env: LIVINGROOM_PW }\n',
    );
    expect(run.stderr).toContain(
      'Put the password into .otarc.env (LIVINGROOM_PW=…) or into the environment.',
    );
    expect(Object.keys(await stateOf(dir))).toEqual(['.gitignore', '.otarc']);
  });

  it.each([
    { announced: 'the only one', found: [livingroom] },
    { announced: 'several', found: [hall, livingroom] },
    { announced: 'one of a name that is a command', found: [{ ...hall, name: '$(reboot) \u001B[2J' }] },
  ])('are never those that merely announce themselves: $announced', async ({ found }) => {
    const dir = await folderWith({ 'platformio.ini': ini });
    const run = await init(dir, {}, { found });
    expect(run.exitCode).toBe(0);
    expect(await wordsOf(dir)).toBe('');
    expect(run.stderr).toContain('None is taken unless it is named: otarc init --device NAME');
    expect(run.stderr).not.toContain('\u001B');
    for (const { addresses } of found) expect(run.stderr).toContain(`(${addresses[0]})`);
    const stored = await init(dir, { passwordFile: '-' }, { found, input: 'geheim' });
    expect(stored.error?.code).toBe('USAGE');
    expect(Object.keys(await stateOf(dir))).not.toContain('.otarc.env');
  });

  it('are an example where none was found; once one is there, it takes its place', async () => {
    const dir = await folderWith({ 'platformio.ini': ini });
    const run = await init(dir, {}, { found: [] });
    expect(run.exitCode).toBe(0);
    expect(await wordsOf(dir)).toBe('');
    expect(run.stderr).toMatch(
      /The first upload goes by cable: .*\/templates\/sketches\. Then: otarc init again, with a device: only that switches Upload\n/,
    );
    expect(await textOf(dir, 'platformio.ini')).toContain('post:otarc.py');
    expect(await textOf(dir, 'platformio.ini')).not.toContain('upload_protocol');
    expect(await init(dir, {}, { found: [] })).toMatchObject({ stdout: 'nothing to do\n' });

    await init(dir, { devices: ['hall'] }, { found: [hall] });
    expect(await textOf(dir, 'platformio.ini')).toContain('upload_protocol = custom\n');
    expect(await wordsOf(dir)).toBe('devices:\n  hall:\n    host: hall.local\n');
    expect(await init(dir, {}, { found: [livingroom] })).toMatchObject({ stdout: 'nothing to do\n' });
    expect(await init(dir, { remove: true })).toMatchObject({ exitCode: 0 });
    expect(Object.keys(await stateOf(dir))).toEqual(['platformio.ini']);
  });

  it('are those that were named, whatever was found beside them', async () => {
    const dir = await folderWith();
    await init(dir, { devices: ['hall', 'attic=192.0.2.9:3232'] }, { found: [hall, livingroom] });
    expect(await wordsOf(dir)).toBe(
      'devices:\n  hall:\n    host: hall.local\n  attic:\n    host: 192.0.2.9\n    port: 3232\n',
    );
  });
});

describe('a .otarc that init has made', () => {
  it('takes one more device, while nobody has changed it', async () => {
    const dir = await folderWith({ 'platformio.ini': ini });
    await init(dir, { devices: ['hall'] });
    const run = await init(dir, { devices: ['attic=192.0.2.9'] });
    expect(run.stderr).toContain('Say in .otarc which device is meant');
    expect(await wordsOf(dir)).toBe(
      'devices:\n  hall:\n    host: hall.local\n  attic:\n    host: 192.0.2.9\n',
    );
    expect(await init(dir, { devices: ['attic'] })).toMatchObject({ stdout: 'nothing to do\n' });
    await appendFile(join(dir, '.otarc'), '# mine\n');
    const other = await init(dir, { devices: ['cellar'] });
    expect(other.stderr).toContain('.otarc is yours and stays as it is.');
    await init(dir, { remove: true, force: true });
    expect(Object.keys(await stateOf(dir))).toEqual(['platformio.ini']);
  });
});

describe('a configuration that is there', () => {
  const own = '# mine\ndevices:\n  hall: 192.0.2.8   # the lamp\n';

  it('stays as it is; another device is proposed, and with --force put in beside the comments', async () => {
    const dir = await folderWith({ '.otarc': own, '.gitignore': '.otarc.env\n' });
    const before = await stateOf(dir);
    expect(await init(dir, {}, { found: [livingroom] })).toMatchObject({
      exitCode: 0,
      stdout: 'nothing to do\n',
    });
    const run = await init(dir, { devices: ['livingroom'] }, { found: [livingroom] });
    expect(run).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('.otarc is yours and stays as it is.'),
    });
    expect(run.stdout).toBe(
      'devices:\n  livingroom:\n    host: livingroom.local\n    password: { env: LIVINGROOM_PW }   # LIVINGROOM_PW=… goes into the environment or into .otarc.env\nnothing to do\n',
    );
    expect(await init(dir, { devices: ['hall'] }, { found: [] })).toMatchObject({
      stdout: 'nothing to do\n',
    });
    expect(await stateOf(dir)).toEqual(before);

    await init(dir, { devices: ['livingroom'], force: true }, { found: [livingroom] });
    expect(await textOf(dir, '.otarc')).toBe(
      `${own}  livingroom:\n    host: livingroom.local\n    password: { env: LIVINGROOM_PW }   # LIVINGROOM_PW=… goes into the environment or into .otarc.env\n`,
    );
  });

  it.each(['.otarc.yaml', 'package.json'])('in %s is one too', async (name) => {
    const dir = await folderWith({
      [name]: '{"otarc": {"device": "hall.local"}}'
        .replace(name === 'package.json' ? '' : '{"otarc": ', '')
        .replace(name === 'package.json' ? '' : '}}', name === 'package.json' ? '' : '}'),
    });
    const run = await init(dir, { devices: ['livingroom'], force: true }, { found: [] });
    expect(run.stderr).toContain(`${name} is yours and stays as it is.`);
    expect(Object.keys(await stateOf(dir))).toEqual([name]);
  });

  it('above holds, until a device of its own is asked for', async () => {
    const dir = await folderWith({ '.otarc': own, 'sub/platformio.ini': ini });
    const sub = join(dir, 'sub');
    const run = await init(sub, { hooks: ['none'] }, { found: [livingroom] });
    expect(run).toMatchObject({
      stdout: 'nothing to do\n',
      stderr: expect.stringContaining(`${join(dir, '.otarc')} holds for this folder too.`),
    });
    const other = await init(sub, { hooks: ['none'], devices: ['livingroom'] }, { found: [livingroom] });
    expect(other.stderr).toContain(`In this folder .otarc takes the place of ${join(dir, '.otarc')}.`);
    expect(await wordsOf(sub)).toContain('livingroom.local');
  });

  it('that is broken is told so', async () => {
    const dir = await folderWith({ '.otarc': 'devices:\n  hall: {port: x}\n' });
    expect((await init(dir)).error).toMatchObject({ code: 'CONFIG_INVALID' });
    const away = await init(dir, { remove: true });
    expect(away).toMatchObject({ stdout: 'nothing to do\n' });
  });
});

describe('the password', () => {
  const named = { devices: ['livingroom=192.0.2.7'], passwordFile: '-' };

  it('goes into .otarc.env for its owner alone, and git is told not to take it', async () => {
    const dir = await folderWith({ '.git/HEAD': '' });
    const run = await init(dir, named, { input: 'geheim\n' });
    expect(run.exitCode).toBe(0);
    expect(run.stdout + run.stderr).not.toContain('geheim');
    expect(await textOf(dir, '.otarc.env')).toContain('\nLIVINGROOM_PW=geheim\n');
    expect((await stat(join(dir, '.otarc.env'))).mode & 0o777).toBe(0o600);
    expect(await textOf(dir, '.gitignore')).toContain('\n.otarc.env\n');
    expect(await init(dir, named, { input: 'geheim\n' })).toMatchObject({ stdout: 'nothing to do\n' });
    await init(dir, { remove: true });
    expect(Object.keys(await stateOf(dir))).toEqual(['.git', '.git/HEAD']);
  });

  it('is kept out of git also where the folder becomes a repository, or the line was lost, later', async () => {
    const dir = await folderWith();
    await init(dir, named, { input: 'geheim\n' });
    expect(await textOf(dir, '.gitignore')).toContain('\n.otarc.env\n');
    await rm(join(dir, '.gitignore'));
    await mkdir(join(dir, '.git'));
    await init(dir, { devices: ['livingroom=192.0.2.7'] });
    expect(await textOf(dir, '.gitignore')).toContain('\n.otarc.env\n');
    await init(dir, { remove: true });
    expect(Object.keys(await stateOf(dir))).toEqual(['.git']);
  });

  it('is changed when another one is given, and nobody sees either', async () => {
    const dir = await folderWith();
    await init(dir, named, { input: 'geheim' });
    const run = await init(dir, named, { input: 'neues wort' });
    expect(run.stdout).toBe(
      '--- .otarc.env\n+++ .otarc.env\n@@ only values that are not shown @@\n\nchanged .otarc.env\n',
    );
    expect(await textOf(dir, '.otarc.env')).toContain("LIVINGROOM_PW='neues wort'\n");
  });

  it('joins what the file has, hides it too, and leaves it when it goes', async () => {
    const mine = 'OTHER_PW=nobody-sees-this';
    const dir = await folderWith({ '.otarc.env': mine, '.gitignore': '.pio\n*.env' });
    await chmod(join(dir, '.otarc.env'), 0o640);
    const before = await stateOf(dir);
    const run = await init(dir, named, { input: 'geheim' });
    expect(run.stdout).not.toMatch(/geheim|nobody/);
    expect(run.stdout).not.toContain('+++ .gitignore');
    expect(await textOf(dir, '.otarc.env')).toContain('LIVINGROOM_PW=geheim\n');
    await init(dir, { remove: true });
    expect(await stateOf(dir)).toEqual(before);
  });

  it('is not written over one that is there', async () => {
    const dir = await folderWith({ '.otarc.env': 'LIVINGROOM_PW=old\n' });
    const { error } = await init(dir, named, { input: 'geheim' });
    expect(error).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('sets LIVINGROOM_PW already'),
    });
    expect(Object.keys(await stateOf(dir))).toEqual(['.otarc.env']);
  });

  it('that was changed since is kept, and so is the line that keeps it out of git', async () => {
    const dir = await folderWith({ '.git/HEAD': '' });
    await init(dir, named, { input: 'geheim' });
    const text = await textOf(dir, '.otarc.env');
    await writeFile(join(dir, '.otarc.env'), text.replace('geheim', 'anders'));
    const run = await init(dir, { remove: true });
    expect(run.stderr).toContain('.otarc.env was changed since, and is kept');
    expect(await textOf(dir, '.gitignore')).toContain('.otarc.env');
    expect(run.stdout).not.toMatch(/geheim|anders/);
    await init(dir, { remove: true, force: true });
    expect(Object.keys(await stateOf(dir))).toEqual(['.git', '.git/HEAD']);
  });

  it('is stored for the device of a configuration that is there', async () => {
    const dir = await folderWith({ '.otarc': 'devices: { hall: 192.0.2.8 }\n' });
    expect(await init(dir, { passwordFile: '-' }, { input: 'geheim' })).toMatchObject({ exitCode: 0 });
    expect(await textOf(dir, '.otarc.env')).toContain('OTARC_PASSWORD_HALL=geheim\n');
  });

  it('that the user will write there is kept out of git beforehand, and for as long as it is there', async () => {
    const dir = await folderWith({ '.git/HEAD': '' });
    await init(dir, { devices: ['livingroom'] }, { found: [livingroom] });
    expect(await textOf(dir, '.gitignore')).toContain('\n.otarc.env\n');
    await writeFile(join(dir, '.otarc.env'), 'LIVINGROOM_PW=geheim\n');
    const run = await init(dir, { remove: true });
    expect(run.stderr).toContain('.gitignore keeps its line for .otarc.env, which is still there.');
    expect(await textOf(dir, '.gitignore')).toContain('\n.otarc.env\n');
    await rm(join(dir, '.otarc.env'));
    await init(dir, { remove: true });
    expect(Object.keys(await stateOf(dir))).toEqual(['.git', '.git/HEAD']);
  });

  it('that was there before, for git to have, is given back as it was', async () => {
    const dir = await folderWith({ '.git/HEAD': '', '.otarc.env': 'A_PW=x\n' });
    const before = await stateOf(dir);
    await init(dir, named, { input: 'geheim' });
    expect(await textOf(dir, '.gitignore')).toContain('\n.otarc.env\n');
    await init(dir, { remove: true });
    expect(await stateOf(dir)).toEqual(before);
  });

  it('without a device, missing, or empty is refused', async () => {
    const dir = await folderWith();
    expect((await init(dir, { passwordFile: '-' }, { input: 'x', found: [] })).error?.code).toBe('USAGE');
    expect((await init(dir, { ...named, passwordFile: 'no' })).error?.code).toBe('SECRET_UNAVAILABLE');
    expect((await init(dir, named, { input: '\n' })).error?.code).toBe('SECRET_UNAVAILABLE');
    expect(await stateOf(dir)).toEqual({});
  });
});

describe('files that are in the way', () => {
  it('are named all at once, and nothing is written', async () => {
    const dir = await folderWith({ 'platformio.ini': ini, 'otarc.py': 'mine\n', Makefile: 'all:\n' });
    const before = await stateOf(dir);
    const { error } = await init(dir, { hooks: ['pio', 'make'] });
    expect(error?.code).toBe('USAGE');
    expect(error?.message).toMatch(
      /^2 things are in the way:\n {2}.*Makefile is there already: .*\n {2}.*otarc\.py is there already: rename or remove it, to make room for .*otarc\.py/,
    );
    expect(await stateOf(dir)).toEqual(before);
    expect(await init(dir, { hooks: ['pio', 'make'], force: true })).toMatchObject({ exitCode: 0 });
    expect(await textOf(dir, 'Makefile')).toMatch(/^# otarc init /);
  });

  it('are not, when they are what would be written', async () => {
    const template = await readFile(join(import.meta.dirname, '../../templates/platformio/otarc.py'), 'utf8');
    const dir = await folderWith({ 'platformio.ini': ini });
    await writeFile(join(dir, 'otarc.py'), template);
    expect(await init(dir, { devices: ['hall'] })).toMatchObject({ exitCode: 0 });
    await init(dir, { remove: true });
    expect(await textOf(dir, 'otarc.py')).toBe(template);
    expect(await textOf(dir, 'platformio.ini')).toBe(ini);
  });

  it('read-only, or a folder, are told so', async () => {
    const dir = await folderWith({ 'platformio.ini': ini });
    await chmod(join(dir, 'platformio.ini'), 0o444);
    const before = await stateOf(dir);
    const { error } = await init(dir, { devices: ['hall'] });
    expect(error).toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringMatching(/platformio\.ini is read-only\. Nothing was written\.$/),
    });
    expect(await stateOf(dir)).toEqual(before);
    await mkdir(join(dir, '.otarc.env'));
    expect((await init(dir, { hooks: ['none'] })).error?.message).toContain('.otarc.env');
  });
});

describe('an init that was killed half-way', () => {
  it.each([1, 2, 3, 4, 5])(
    'after %d files is completed by the next one, and undone by --remove',
    async (count) => {
      const dir = await folderWith({ 'platformio.ini': ini, '.git/HEAD': '' });
      const before = await stateOf(dir);
      const wanted = { devices: ['hall'], passwordFile: '-' };
      const { plan } = await planToAdd({
        folder: dir,
        wishes: { devices: ['hall'], hooks: [], force: false },
        passwordFile: '-',
        cwd: dir,
        env: { HOME: dir },
        stdin: Readable.from(['geheim\n']),
        signal: new AbortController().signal,
        browse: undefined,
        ask: undefined,
        onWait: () => undefined,
      });
      expect(plan.edits).toHaveLength(5);
      await writeEdits(plan.edits.slice(0, count), { signal: new AbortController().signal });
      await init(dir, { remove: true });
      expect(await stateOf(dir)).toEqual(before);

      await writeEdits(plan.edits.slice(0, count), { signal: new AbortController().signal });
      await init(dir, wanted, { input: 'geheim' });
      const completed = await stateOf(dir);
      await init(dir, { remove: true });
      await init(dir, wanted, { input: 'geheim' });
      expect(completed).toEqual(await stateOf(dir));
    },
  );
});

describe('files', () => {
  it('behind links are changed where they are, and the links stay', async () => {
    const dir = await folderWith({ 'real/platformio.ini': ini, 'real/.gitignore': '.pio' });
    for (const name of ['platformio.ini', '.gitignore']) await symlink(join('real', name), join(dir, name));
    const before = await stateOf(dir);
    const wanted = { devices: ['hall=192.0.2.8'], passwordFile: '-' };
    expect(await init(dir, wanted, { input: 'geheim' })).toMatchObject({ exitCode: 0 });
    expect(await readlink(join(dir, 'platformio.ini'))).toBe(join('real', 'platformio.ini'));
    expect((await lstat(join(dir, '.gitignore'))).isSymbolicLink()).toBe(true);
    expect(await textOf(dir, 'real/platformio.ini')).toContain('post:otarc.py');
    expect(await textOf(dir, 'real/.gitignore')).toContain('.otarc.env');
    await init(dir, { remove: true });
    expect(await stateOf(dir)).toEqual(before);
  });

  it.each([
    ['CRLF', '\u00EF\u00BB\u00BF; \u00C3\u00BCber\r\n[env:d1]\r\nboard = d1_mini\r\n'],
    ['no line end', '[env:d1]\nboard = d1_mini'],
    ['Latin-1', '[env:d1]\n; f\u00FCr mich\nboard = d1_mini\n'],
  ])('with %s come back as they were, with their modes', async (_name, text) => {
    const dir = await folderWith({
      'platformio.ini': text,
      '.gitignore': '',
      'package.json': '{}',
      '.git/HEAD': '',
    });
    await chmod(join(dir, 'platformio.ini'), 0o664);
    await rm(join(dir, 'package.json'));
    const before = await stateOf(dir);
    const hooks = ['pio', 'upload', 'vscode', 'make', 'npm', 'github'];
    const run = await init(dir, { devices: ['hall'], hooks, passwordFile: '-' }, { input: 'geheim' });
    expect(run.exitCode).toBe(0);
    expect(Object.keys(await stateOf(dir)).length).toBe(Object.keys(before).length + 10);
    await init(dir, { remove: true });
    expect(await stateOf(dir)).toEqual(before);
  });

  it('and folders that others use since are left to them', async () => {
    const dir = await folderWith();
    await init(dir, { devices: ['hall'], hooks: ['vscode'] });
    await writeFile(join(dir, '.vscode', 'settings.json'), '{}');
    await init(dir, { remove: true });
    expect(Object.keys(await stateOf(dir))).toEqual(['.vscode', '.vscode/settings.json']);
  });

  it('of its own are renewed while nobody has changed them', async () => {
    const dir = await folderWith({ 'platformio.ini': ini });
    await init(dir, { devices: ['hall'] });
    const fresh = await textOf(dir, 'otarc.py');
    const { withStamp } = await import('../../src/init/stamp.ts');
    await writeFile(join(dir, 'otarc.py'), withStamp('# of an older otarc\n', '#'));
    await init(dir, { devices: ['hall'] });
    expect(await textOf(dir, 'otarc.py')).toBe(fresh);
    await appendFile(join(dir, 'otarc.py'), '# mine\n');
    const run = await init(dir, { devices: ['hall'] });
    expect(run).toMatchObject({
      stdout: 'nothing to do\n',
      stderr: expect.stringContaining('otarc.py was changed since, and is kept'),
    });
  });
});

describe('what is asked for', () => {
  it.each([
    [{ hooks: ['vsc'] }, 'There is no hook "vsc".'],
    [{ hooks: ['none', 'make'] }, '`--hook none` leaves no room for another hook.'],
    [{ hooks: ['pio'] }, 'The hook "pio" does not fit: there is no platformio.ini in this folder.'],
    [{ hooks: ['arduino'] }, 'The hook "arduino" does not fit: there is no sketch in this folder.'],
    [{ devices: ['a/b'] }, '"a/b" names no device.'],
    [{ devices: ['hall'], remove: true }, '`--remove` takes out everything that init has written'],
    [{ yes: false }, 'There is no terminal to ask on.'],
  ])('%j is refused in words', async (options, message) => {
    const dir = await folderWith();
    const { error } = await init(dir, options);
    expect(error?.code).toBe('USAGE');
    expect(error?.message).toContain(message);
    expect(await stateOf(dir)).toEqual({});
  });

  it('cannot be an environment that is not there, or a file that PlatformIO could not read', async () => {
    const dir = await folderWith({ 'platformio.ini': ini });
    expect((await init(dir, { environment: 'd2' })).error?.hint).toBe('There are: d1.');
    await writeFile(join(dir, 'platformio.ini'), `${ini}nonsense\n`);
    const { error } = await init(dir);
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('platformio.ini:3 '),
    });
    expect(Object.keys(await stateOf(dir))).toEqual(['platformio.ini']);
  });

  it('is only shown with --dry-run, and told as one JSON document with --json', async () => {
    const dir = await folderWith({ 'platformio.ini': ini });
    const before = await stateOf(dir);
    const dry = await init(dir, { devices: ['hall'], dryRun: true, yes: false });
    expect(dry.stdout).toContain('+upload_protocol = custom\n');
    expect(dry.stdout).toMatch(
      /^\+\+\+ otarc\.py\n(?:.*\n){6} … \d+ more lines, as they come with otarc\n---/m,
    );
    expect(await stateOf(dir)).toEqual(before);
    const run = await init(dir, { devices: ['hall'], json: true });
    expect(JSON.parse(run.stdout)).toMatchObject({
      folder: dir,
      dryRun: false,
      files: [
        { path: join(dir, '.otarc'), action: 'made' },
        { path: join(dir, 'otarc.py'), action: 'made' },
        { path: join(dir, 'platformio.ini'), action: 'changed' },
      ],
      notes: [],
      proposals: [],
    });
    expect(run.stderr).toBe('');
  });

  it('for one environment is done for that one, and written down', async () => {
    const dir = await folderWith({ 'platformio.ini': `${ini}[env:d2]\nboard = d1_mini\n` });
    const run = await init(dir, { devices: ['hall'], environment: 'd2' });
    expect(await wordsOf(dir)).toContain('build:\n  environment: d2\n');
    expect(
      (await textOf(dir, 'platformio.ini')).startsWith(`${ini}[env:d2]\nboard = d1_mini\n; >>> otarc init`),
    ).toBe(true);
    expect(run.stderr).toContain('  pio run -e d2 -t upload\n');
  });
});

describe('passwords that stand in files', () => {
  it('are not shown when their lines are', async () => {
    const secret = 'upload_flags = --auth=geheim';
    const dir = await folderWith({
      'platformio.ini': `[env:d1]\nupload_protocol = espota\nupload_port = hall.local\n${secret}`,
      Makefile: 'PASSWORD = geheim\nota:\n\tespota.py -a geheim\n',
    });
    const run = await init(dir, { devices: ['hall'], hooks: ['upload', 'make'], force: true });
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain('-upload_flags = --auth…\n');
    expect(run.stdout + run.stderr).not.toContain('geheim');
    expect(await textOf(dir, 'platformio.ini')).toContain(`${secret}\n`);
  });
});
