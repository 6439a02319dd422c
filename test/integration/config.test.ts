import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cosmiconfig } from 'cosmiconfig';
import { execa } from 'execa';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { searchPlaces } from '../../src/config/places.ts';
import type { Flags } from '../../src/config/types.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'otarc-config-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

/** A home folder of its own with these files; a name that ends with `/` is a folder. */
function home(files: Record<string, string>): string {
  const folder = join(root, `${++count}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(name.endsWith('/') ? join(folder, name) : dirname(join(folder, name)), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(join(folder, name), text);
  }
  return folder;
}

const load = (
  folder: string,
  cwd = '.',
  more: { flags?: Flags; env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {},
) =>
  loadConfig({
    command: 'push',
    flags: { cwd: join(folder, cwd), ...more.flags },
    env: { HOME: folder, USERPROFILE: folder, ...more.env },
    signal: more.signal ?? new AbortController().signal,
  });

const fileOf = async (folder: string, cwd: string): Promise<string | undefined> =>
  (await load(folder, cwd)).config.file?.slice(folder.length + 1);

const contents = (place: string): string => {
  if (place.endsWith('package.json')) return '{"name": "x", "otarc": {"device": "found"}}';
  if (/\.c?js$/.test(place)) return 'module.exports = { device: "found" };';
  if (place.endsWith('.mjs')) return 'export default { device: "found" };';
  if (place.endsWith('.ts')) return 'const device: string = "found"; export default { device };';
  return place.endsWith('.json') ? '{"device": "found"}' : 'device: found\n';
};

describe('the search', () => {
  it.each(searchPlaces)('finds %s', async (place) => {
    const folder = home({ [`p/${place}`]: contents(place), 'p/sub/deep/': '' });
    const { config } = await load(folder, 'p/sub/deep');
    expect(config.file).toBe(join(folder, 'p', place));
    expect(config.defaultDevice).toBe('found');
    expect(config.projectDir).toBe(join(folder, 'p/sub/deep'));
  });

  it('covers exactly the places of the contract', () => {
    const all = ['json', 'yaml', 'yml', 'js', 'cjs', 'mjs', 'ts'];
    expect(new Set(searchPlaces)).toEqual(
      new Set([
        '.otarc',
        ...all.map((each) => `.otarc.${each}`),
        ...all.slice(3).map((each) => `otarc.config.${each}`),
        '.config/otarc',
        ...all.map((each) => `.config/otarc.${each}`),
        'package.json',
      ]),
    );
  });

  it('reads ES modules in .js files', async () => {
    const folder = home({ 'p/otarc.config.js': 'export default { device: "found" };' });
    expect((await load(folder, 'p')).config.defaultDevice).toBe('found');
  });

  it('goes upward to the nearest file', async () => {
    const folder = home({ '.otarc': '', 'a/.otarc': '', 'a/b/c/': '', 'd/': '' });
    expect(await fileOf(folder, 'a/b/c')).toBe('a/.otarc');
    expect(await fileOf(folder, 'd')).toBe('.otarc');
  });

  it('ends at the root of the repository, that folder included', async () => {
    const folder = home({
      '.otarc': '',
      'a/.git/': '',
      'a/b/': '',
      'w/.git': 'gitdir: elsewhere',
      'w/b/': '',
    });
    expect(await fileOf(folder, 'a/b')).toBeUndefined();
    expect(await fileOf(folder, 'a')).toBeUndefined();
    expect(await fileOf(folder, 'w/b')).toBeUndefined();
    writeFileSync(join(folder, 'a/.otarc'), '');
    expect(await fileOf(folder, 'a/b')).toBe('a/.otarc');
  });

  it('ends at the home folder, also where that is a link', async () => {
    const folder = home({ '.otarc': 'device: outside', 'me/p/': '' });
    const env = { HOME: join(folder, 'me'), USERPROFILE: join(folder, 'me') };
    expect((await load(folder, 'me/p', { env })).config.file).toBeUndefined();
    symlinkSync(join(folder, 'me'), join(folder, 'link'));
    const linked = { HOME: join(folder, 'link'), USERPROFILE: join(folder, 'link') };
    expect((await load(folder, 'me/p', { env: linked })).config.file).toBeUndefined();
    writeFileSync(join(folder, 'me/.otarc'), '');
    expect((await load(folder, 'me/p', { env })).config.file).toBe(join(folder, 'me/.otarc'));
  });

  it.skipIf(process.platform === 'win32')(
    'does not go into a folder that everybody may write to',
    async () => {
      const folder = home({ 'shared/.otarc': 'device: foreign', 'shared/p/': '', 'me/': '' });
      chmodSync(join(folder, 'shared'), 0o1777);
      const env = { HOME: join(folder, 'me') };
      expect((await load(folder, 'shared/p', { env })).config.file).toBeUndefined();
      expect((await load(folder, 'shared', { env })).config.file).toBe(join(folder, 'shared/.otarc'));
    },
  );

  it("ends in the user's own configuration folder", async () => {
    const folder = home({ 'xdg/otarc/config.yaml': 'device: mine\n', 'p/.git/': '' });
    const env = { XDG_CONFIG_HOME: join(folder, 'xdg'), APPDATA: join(folder, 'xdg') };
    if (process.platform !== 'linux') return;
    expect((await load(folder, 'p', { env })).config.file).toBe(join(folder, 'xdg/otarc/config.yaml'));
    const usual = home({ '.config/otarc/config': '{"device": "mine"}', 'p/.git/': '' });
    expect((await load(usual, 'p')).config.defaultDevice).toBe('mine');
  });

  it("finds what cosmiconfig's own search finds, where that search may be told where to end", async () => {
    const text = 'device: found\n';
    const layouts: Record<string, string>[] = [
      { '.git/': '', 'a/b/': '', '.otarc': text },
      { '.git/': '', 'a/.otarc.yaml': text, 'a/b/': '', '.otarc': text },
      { '.git/': '', 'a/b/': '', 'a/.config/otarc.yml': text },
      { '.git/': '', 'a/b/': '', 'a/package.json': '{"name": "other"}', '.config/otarc': text },
      { '.git/': '', 'a/b/package.json': '{"otarc": {"device": "found"}}', '.otarc': text },
      { '.git/': '', 'a/b/.config/otarc/': '', 'a/.otarc.json': '{"device": "found"}', 'a/.otarc.yml': text },
      { '.git/': '', 'a/b/': '' },
      { '.git/': '', 'a/b/': '', '../.otarc': text },
    ];
    for (const [index, layout] of layouts.entries()) {
      const folder = home(
        Object.fromEntries(Object.entries(layout).map(([name, each]) => [`p/${name}`, each])),
      );
      const from = join(folder, 'p/a/b');
      const search = { searchPlaces: [...searchPlaces], stopDir: join(folder, 'p'), cache: false };
      const { file } = (await load(folder, 'p/a/b')).config;
      vi.stubEnv('XDG_CONFIG_HOME', join(folder, 'none'));
      const own = await cosmiconfig('otarc', { ...search, searchStrategy: 'global' }).search(from);
      vi.unstubAllEnvs();
      expect(file, `layout ${index}`).toBe(own?.filepath);
    }
  });

  it('passes over a package.json that is not about otarc or broken', async () => {
    const folder = home({ 'p/package.json': '{"name": "otarc"}', '.otarc': '' });
    expect(await fileOf(folder, 'p')).toBe('.otarc');
    writeFileSync(join(folder, 'p/package.json'), '{"otarc": ');
    expect(await fileOf(folder, 'p')).toBe('.otarc');
  });

  it('says which of several files it uses', async () => {
    const folder = home({ '.otarc': '', '.otarc.yaml': '', 'package.json': '{"otarc": {}}' });
    const { warnings, config } = await load(folder);
    expect(config.file).toBe(join(folder, '.otarc'));
    expect(warnings).toEqual([
      `${folder}/.otarc is used; ${folder}/.otarc.yaml, ${folder}/package.json beside it is not read.`,
    ]);
    expect((await load(home({ '.otarc': '' }))).warnings).toEqual([]);
  });

  it('gives way to --config and OTARC_CONFIG, relative to the working folder', async () => {
    const folder = home({
      '.otarc': 'device: a',
      'p/my.conf': 'device: b',
      'p/other.yaml': 'device: c',
      'p/q/': '',
    });
    const env = { OTARC_CONFIG: 'other.yaml' };
    expect((await load(folder, 'p', { env })).config.defaultDevice).toBe('c');
    expect((await load(folder, 'p', { env, flags: { config: 'my.conf' } })).config.defaultDevice).toBe('b');
    expect(
      (await load(folder, 'p/q', { flags: { config: join(folder, '.otarc') } })).config.defaultDevice,
    ).toBe('a');
  });
});

describe('what is built where nothing says it', () => {
  const sketch = async (folder: string, cwd: string, more: Parameters<typeof load>[2] = {}) => {
    const { build, origins } = (await load(folder, cwd, more)).config;
    const origin = origins.find(({ path }) => path === 'build.sketch');
    expect(origin?.value).toBe(build.sketch);
    return [relative(folder, build.sketch), origin?.origin.replaceAll(folder, '')];
  };

  it('is the working folder where that holds the configuration, or there is none', async () => {
    const working = 'default: the working folder';
    expect(await sketch(home({ 'p/.otarc': '' }), 'p')).toEqual(['p', working]);
    expect(await sketch(home({ 'p/.config/otarc.yaml': '' }), 'p')).toEqual(['p', working]);
    expect(await sketch(home({ 'p/.git/': '', 'p/platformio.ini': '' }), 'p')).toEqual(['p', working]);
  });

  it('is the folder that the configuration was found in', async () => {
    const folder = home({ 'p/.otarc': '', 'p/platformio.ini': '', 'p/src/deep/': '', 'p/..src/': '' });
    expect(await sketch(folder, 'p/src')).toEqual(['p', 'default: the folder of /p/.otarc']);
    expect(await sketch(folder, 'p/src/deep')).toEqual(['p', 'default: the folder of /p/.otarc']);
    expect(await sketch(folder, 'p/..src')).toEqual(['p', 'default: the folder of /p/.otarc']);
    const nested = home({ 'p/.config/otarc.yaml': '', 'p/src/other.ino': '' });
    expect(await sketch(nested, 'p/src')).toEqual(['p', 'default: the folder of /p/.config/otarc.yaml']);
  });

  it.each(['platformio.ini', 'sketch.yaml', 'blink.ino'])(
    'is the working folder where that is a project itself: %s',
    async (file) => {
      const folder = home({ '.otarc': '', 'platformio.ini': '', [`blink/${file}`]: '' });
      const origin = `default: the working folder, which holds ${file}`;
      expect(await sketch(folder, 'blink')).toEqual(['blink', origin]);
    },
  );

  it('is the working folder with a file named beside it, the folder above with one named there', async () => {
    const folder = home({ 'p/.otarc': '', 'p/src/': '', 'ci/otarc.yaml': '' });
    const named = (config: string) => sketch(folder, 'p/src', { flags: { config } });
    expect(await named('../../ci/otarc.yaml')).toEqual(['p/src', 'default: the working folder']);
    expect(await named('../.otarc')).toEqual(['p', 'default: the folder of /p/.otarc']);
  });

  it.runIf(process.platform === 'linux')("is not the user's own configuration folder", async () => {
    const folder = home({ '.config/otarc/config': '', '.config/otarc/p/.git/': '', '.config/otarc/q/': '' });
    expect((await load(folder, '.config/otarc/p')).config.file).toBe(join(folder, '.config/otarc/config'));
    for (const cwd of ['.config/otarc/p', '.config/otarc/q'])
      expect(await sketch(folder, cwd)).toEqual([cwd, 'default: the working folder']);
  });

  it('gives way to what the file says', async () => {
    const folder = home({ 'p/.otarc': 'build: {sketch: fw}', 'p/src/platformio.ini': '' });
    expect(await sketch(folder, 'p/src')).toEqual(['p/fw', '/p/.otarc:1']);
  });
});

describe("cosmiconfig's own settings in the folder that the process is in", () => {
  const script = join(root, 'load.ts');
  const index = fileURLToPath(new URL('../../src/config/index.ts', import.meta.url));
  writeFileSync(
    script,
    `import { loadConfig } from ${JSON.stringify(index)};
     const [cwd] = process.argv.slice(2);
     const { signal } = new AbortController();
     const { config } = await loadConfig({ command: 'push', flags: { cwd }, env: { HOME: cwd, USERPROFILE: cwd }, signal });
     console.log(config.defaultDevice);`,
  );

  it.each([
    ['.config/config.cjs', 'console.log("foreign"); module.exports = { searchPlaces: [] };'],
    ['.config/config.js', 'console.log("foreign"); throw new Error("foreign");'],
    ['.config/config.mjs', 'throw new Error("foreign");'],
    ['.config/config.ts', 'console.log("foreign"); throw new Error("foreign");'],
    ['.config/config.json', '{"searchPlaces": '],
    ['.config/config.yaml', 'a: b: c'],
    ['package.json', '{"name": '],
  ])('is neither read nor run: %s %s', async (place, text) => {
    const folder = home({ [place]: text, '.otarc': 'device: found', 'elsewhere/.otarc': 'device: other' });
    const jiti = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url));
    const run = (cwd: string) => execa(process.execPath, [jiti, script, cwd], { cwd: folder, reject: false });
    expect(await run(folder)).toMatchObject({ exitCode: 0, stdout: 'found', stderr: '' });
    expect(await run(join(folder, 'elsewhere'))).toMatchObject({ exitCode: 0, stdout: 'other', stderr: '' });
  });
});

describe('a file', () => {
  const failure = (files: Record<string, string>, more: Parameters<typeof load>[2] = {}) => {
    const folder = home({ '.git/': '', ...files });
    return load(folder, '.', more).then(
      () => {
        throw new Error('it was accepted');
      },
      (error: unknown) => ({ error, text: String(error).replaceAll(folder, '') }),
    );
  };

  it.each(['.otarc', '.otarc.json', '.otarc.yaml', '.config/otarc.yml'])(
    'that is empty says nothing: %s',
    async (place) => {
      const { config } = await load(home({ [place]: ' \n' }));
      expect(config).toMatchObject({ devices: [], groups: {} });
      expect(config.file).toContain(place);
    },
  );

  it('of comments only says nothing', async () => {
    expect((await load(home({ '.otarc': '# later\n' }))).config.devices).toEqual([]);
  });

  it.each([
    [
      '.otarc',
      'device: a\ndevices:\n  a: {prot: 1}\n',
      '/.otarc:3: devices.a.prot: unknown key; did you mean "port"?',
    ],
    ['.otarc', '{\n  // here\n  devise: "a"\n}', '/.otarc:3: devise: unknown key; did you mean "device"?'],
    ['.otarc.json', '{\n\t"devise": "a"\n}', '/.otarc.json:2: devise: unknown key; did you mean "device"?'],
    [
      'package.json',
      '{\n "otarc": {\n  "devise": "a"}}',
      '/package.json:3: devise: unknown key; did you mean "device"?',
    ],
    [
      '.otarc.cjs',
      'module.exports = {devise: "a"}',
      '/.otarc.cjs: devise: unknown key; did you mean "device"?',
    ],
    ['.otarc.ts', 'export default {devise: "a"}', '/.otarc.ts: devise: unknown key; did you mean "device"?'],
    ['.otarc', 'just words', '/.otarc: holds only a text instead of settings'],
    ['.otarc', '- a\n', '/.otarc: holds a list instead of settings'],
    ['.otarc.mjs', 'export default () => ({})', '/.otarc.mjs: must export an object, not a function'],
    ['.otarc', '$import: x.yaml\n', '/.otarc: $import: unknown key'],
    [
      '.otarc',
      'devices: { a: {host: b, baudrate: 9600} }',
      '/.otarc:1: devices.a.baudrate: unknown key; known',
    ],
    ['.otarc', 'devices: { a: {host: b, Hunter} }', '/.otarc:1: devices.a["…"]: unknown key; known'],
    [
      '.otarc',
      'devices: { a: {password: correct, staple: 1} }',
      '/.otarc:1: devices.a["…"]: unknown key; known',
    ],
    ['.otarc', 'defaults: { port: 1 }', '/.otarc:1: defaults: not supported in this version; remove it'],
    ['.otarc', 'x-all: { port: 1 }', '/.otarc:1: x-all: not supported in this version; remove it'],
    ['.otarc', 'devices: { a: {logs: seral} }', '/.otarc:1: devices.a.logs: must be tcp://{address}:23'],
  ])('with a mistake is CONFIG_INVALID, with its place: %s %j', async (place, text, message) => {
    const { error, text: told } = await failure({ [place]: text });
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(told).toContain(`OtaError: ${message}`);
  });

  it.each([
    ['.otarc', 'device: "a\n', '/.otarc:2:1: '],
    ['.otarc.yaml', 'a: b: c\n', '/.otarc.yaml:1:4: '],
    ['.otarc.json', '{"device": "a",\n "x" 1}', '/.otarc.json:2:'],
    ['.otarc.js', 'module.exports = {\n  device: "a" "b",\n};', '/.otarc.js:2:14: '],
    ['.otarc.cjs', 'module.exports = {\n  device: unknown,\n};', '/.otarc.cjs:2:11: unknown is not defined'],
    ['.otarc.mjs', 'export default {\n  device "a",\n};', '/.otarc.mjs:2:'],
    ['.otarc.ts', 'const a: string = ;\n', '/.otarc.ts:1:'],
    ['otarc.config.ts', 'import "./missing.ts";\n', '/otarc.config.ts'],
    ['.otarc.cjs', 'require("fs").readFileSync("/none");', '/.otarc.cjs:1:'],
    ['.otarc', 'd\0e\0', '/.otarc is not UTF-8 text'],
  ])('with a syntax error is CONFIG_UNREADABLE, with its place: %s %j', async (place, text, message) => {
    const { error, text: told } = await failure({ [place]: text });
    expect(error).toMatchObject({ code: 'CONFIG_UNREADABLE' });
    expect(told).toContain(`OtaError: ${message}`);
  });

  it('that --config names exists and is a file', async () => {
    const missing = await failure({}, { flags: { config: 'none.yaml' } });
    expect(missing.error).toMatchObject({ code: 'CONFIG_UNREADABLE' });
    expect(missing.text).toContain('/none.yaml cannot be read: no such file.');
    const folder = await failure({ 'd/': '' }, { flags: { config: 'd' } });
    expect(folder.text).toContain('/d cannot be read: it is a folder.');
    const plain = await failure({ 'package.json': '{}' }, { flags: { config: 'package.json' } });
    expect(plain.error).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  // `~/.config/otarc/` is the folder of the user's own one.
  const files = searchPlaces.filter((place) => place !== '.config/otarc' && place !== 'package.json');
  it.each(files)('is no folder: %s', async (place) => {
    const { error, text } = await failure({ [`${place}/x`]: '' });
    expect(error).toMatchObject({ code: 'CONFIG_UNREADABLE', hint: expect.stringMatching(/^Rename it/) });
    expect(text).toContain(`/${place} cannot be read: it is a folder.`);
  });

  it('in a folder with a folder of its name further down the list is read', async () => {
    const folder = home({ '.otarc': 'device: hall', 'otarc.config.js/x': '', '.config/otarc/x': '' });
    expect((await load(folder)).config.file).toBe(join(folder, '.otarc'));
    const other = home({ '.config/otarc/x': '', 'package.json/x': '' });
    expect((await load(other)).config.file).toBeUndefined();
  });

  it('and the variables report their mistakes together', async () => {
    const { error, text } = await failure({ '.otarc': 'devise: a\nport: 1\n' }, { env: { OTARC_PORT: 'x' } });
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', details: { problems: { length: 3 } } });
    expect(text.split('\n').slice(1)).toEqual([
      '  environment OTARC_PORT: must be a port, 1 to 65535',
      '  /.otarc:1: devise: unknown key; did you mean "device"?',
      '  /.otarc:2: port: unknown key here; it belongs under devices.NAME',
    ]);
  });

  it("may name a device's own HomeDing JSON", async () => {
    const files = {
      '.otarc': 'devices:\n  bath: {homeding: data/env.json}\n',
      'data/env.json': '{"device": {"0": {"name": "Bathroom"}},\n "ota": {"0": {"passwd": "123"}}}',
    };
    const { config } = await load(home(files));
    expect(config.devices).toMatchObject([{ name: 'bath', host: 'Bathroom', port: 8266 }]);
    expect(config.origins.find(({ path }) => path === 'devices.bath.password')?.origin).toMatch(
      /env\.json:2$/,
    );

    const missing = await failure({ '.otarc': files['.otarc'] });
    expect(missing.error).toMatchObject({ code: 'CONFIG_UNREADABLE' });
    expect(missing.text).toContain('/data/env.json cannot be read: no such file');
    const wrong = await failure({ ...files, 'data/env.json': '{"ota": {"0":\n {"port": 0}}}' });
    expect(wrong.text).toContain('/data/env.json:2: ota.0.port: must be a port, 1 to 65535');
    const other = await failure({ ...files, 'data/env.json': '{"name": "x"}' });
    expect(other.text).toContain('holds no HomeDing settings');
  });

  it('that never finishes loading ends with the signal', async () => {
    const abort = new AbortController();
    const folder = home({
      '.otarc.mjs': 'await new Promise(() => setInterval(() => {}, 1e6).unref()); export default {};',
    });
    const loading = load(folder, '.', { signal: abort.signal });
    abort.abort();
    await expect(loading).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
