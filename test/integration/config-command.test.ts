import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { colorOf } from '../../src/cli/terminal/color.ts';
import { config, type ConfigOptions } from '../../src/cli/commands/config.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'otarc-config-command-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folder = join(root, 'p');
mkdirSync(join(folder, '.git'), { recursive: true });
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

interface Ran {
  stdout: string;
  stderr: string;
  error?: unknown;
}

class Sink extends Writable {
  text = '';
  isTTY = false;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs `otarc config` in the folder. */
async function run(
  options: Partial<ConfigOptions> = {},
  { env = {}, isTTY = false }: { env?: NodeJS.ProcessEnv; isTTY?: boolean } = {},
): Promise<Ran> {
  const [stdout, stderr] = [new Sink(), new Sink()];
  stdout.isTTY = isTTY;
  const io = {
    stdout,
    stderr,
    stdin: process.stdin,
    env: { HOME: root, USERPROFILE: root, ...env },
    cwd: folder,
    signal: new AbortController().signal,
  };
  const ended = await config(
    { flags: { cwd: folder }, json: false, schema: false, color: colorOf(env), ...options },
    io,
  ).catch((error: unknown) => ({ error }));
  if (typeof ended === 'object') return { stdout: stdout.text, stderr: stderr.text, error: ended.error };
  expect(ended).toBe(0);
  return { stdout: stdout.text, stderr: stderr.text };
}

const sample = `device: livingroom
devices:
  livingroom:
    port: 8266
    password: {env: LIVINGROOM_PW}
  attic: {password: {command: [pass, show, ota/attic]}, host: "attic.local"}
  hall: 192.0.2.11
groups: {upstairs: [attic, hall]}
`;

describe('otarc config', () => {
  it('prints every value with its origin, aligned', async () => {
    write('.otarc', sample);
    const { stdout, stderr } = await run(
      { flags: { cwd: folder, platform: 'esp32' } },
      { env: { OTARC_HOST_PORT: '9' } },
    );
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    expect(lines[0]).toBe(`project ${folder}`);
    expect(lines[1]).toBe(`file    ${folder}/.otarc`);
    const row = (path: string) => lines.find((line) => line.startsWith(`${path} `))?.split(/ {2,}/);
    const place = `${folder}/.otarc`;
    expect(row('devices.livingroom.port')).toEqual(['devices.livingroom.port', '8266', `${place}:4`]);
    expect(row('devices.livingroom.password')?.slice(1)).toEqual([
      '(secret, from environment LIVINGROOM_PW)',
      `${place}:5`,
    ]);
    expect(row('devices.attic.password')?.slice(1)).toEqual(['(secret, from command pass …)', `${place}:6`]);
    expect(row('devices.hall.host')?.slice(1)).toEqual(['192.0.2.11', `${place}:7`]);
    expect(row('devices.hall.password')?.slice(1)).toEqual(['– none', 'default']);
    expect(row('devices.hall.platform')?.slice(1)).toEqual(['esp32', 'flag --platform']);
    expect(row('devices.hall.hostPort')?.slice(1)).toEqual(['9', 'environment OTARC_HOST_PORT']);
    expect(row('build.sketch')?.slice(1)).toEqual([folder, 'default: the working folder']);
    expect(row('groups.upstairs')?.slice(1)).toEqual(['[attic, hall]', `${place}:8`]);
    const origins = [' default', ' flag --', ' environment OTARC_', ` ${place}:`];
    const columns = lines
      .filter((line) => line.startsWith('devices'))
      .map((line) => Math.max(...origins.map((origin) => line.lastIndexOf(origin))));
    expect(new Set(columns).size).toBe(1);
  });

  it('dims defaults on a terminal, and only there', async () => {
    write('.otarc', sample);
    const colours = '\u001B[2m';
    expect((await run({}, { isTTY: true })).stdout).toContain(`${colours}devices.hall.engine`);
    expect((await run({}, { isTTY: true })).stdout).toContain(`${colours}build.sketch`);
    expect((await run({}, { isTTY: true })).stdout).not.toContain(`${colours}devices.hall.host `);
    expect((await run({}, { isTTY: true, env: { NO_COLOR: '1' } })).stdout).not.toContain('\u001B');
    expect((await run()).stdout).not.toContain('\u001B');
    expect((await run({}, { env: { FORCE_COLOR: '1' } })).stdout).toContain(colours);
  });

  it('lets no control character through', async () => {
    write('.otarc', '{"devices": {"a": {"environment": "x\\u001b[31m\\u009b"}}}');
    expect((await run()).stdout).toContain('x\\u001b[31m\\u009b');
  });

  it('prints one JSON document', async () => {
    write('.otarc', sample);
    write('.otarc.yaml', '');
    const { stdout, stderr } = await run({ json: true });
    rmSync(join(folder, '.otarc.yaml'));
    expect(stderr).toContain('warning: ');
    const document = JSON.parse(stdout) as { values: { path: string }[] };
    expect(document).toMatchObject({
      projectDir: folder,
      file: `${folder}/.otarc`,
      warnings: [expect.any(String)],
    });
    expect(document.values).toContainEqual({
      path: 'devices.livingroom.port',
      value: 8266,
      origin: `${folder}/.otarc:4`,
    });
    expect(document.values).toContainEqual({
      path: 'devices.hall.password',
      value: null,
      origin: 'default',
      note: 'none',
    });
  });

  it('works without a file', async () => {
    rmSync(join(folder, '.otarc'), { force: true });
    const { stdout } = await run();
    expect(stdout).toContain('file    none');
    expect(stdout).toContain(folder);
  });

  it('prints the JSON schema, also beside a broken file', async () => {
    write('.otarc', '{');
    const { stdout } = await run({ schema: true });
    const schema = JSON.parse(stdout) as { properties: Record<string, unknown> };
    expect(schema).toMatchObject({
      $schema: expect.stringContaining('json-schema.org'),
      title: 'otarc configuration',
      type: 'object',
      additionalProperties: false,
    });
    const keys = ['device', 'devices', 'groups', 'build', 'watch', 'push', 'hook', 'verify', 'interfaces'];
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(keys));
    for (const key of keys) expect(schema.properties[key]).toHaveProperty('description');
  });
});

describe('a password in a configuration', () => {
  // Long enough that it occurs nowhere by chance; also what YAML, JSON and JavaScript take for something else.
  const secret = fc
    .tuple(
      fc.constantFrom('', '*', '!', '&', '%', '@', '`', '|', '>', '\\U', '{', '[', '# '),
      fc.stringMatching(/^[a-z0-9]{12}$/),
    )
    .map(([sign, text]) => ({ raw: `${sign}Q${text}`, core: `Q${text}` }));

  const everythingOf = ({ stdout, stderr, error }: Ran): string => {
    const own = error instanceof Error ? JSON.stringify(error, Object.getOwnPropertyNames(error)) : '';
    return `${stdout}${stderr}${own}${String(error)}`;
  };

  const device = (raw: string, more: object = {}) => ({
    devices: { livingroom: { password: raw, port: 8266, ...more } },
  });

  it('is never printed', async () => {
    await fc.assert(
      fc.asyncProperty(secret, fc.boolean(), async ({ raw, core }, json) => {
        write('.otarc', stringify({ ...device(raw), device: 'livingroom' }));
        const own = await run({ json });
        write('.otarc', JSON.stringify({ ota: { '0': { passwd: raw } }, device: { '0': { name: 'hall' } } }));
        const homeding = await run({ json });
        const variable = await run({ json }, { env: { OTARC_PASSWORD: raw, OTARC_PASSWORD_HALL: raw } });
        for (const each of [own, homeding, variable]) {
          expect(each.error).toBeUndefined();
          expect(everythingOf(each)).not.toContain(core);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is in no message about mistakes around it', async () => {
    const files: ((raw: string) => [name: string, text: string])[] = [
      // Settings that are wrong in the same device.
      (raw) => ['.otarc', stringify(device(raw, { prot: 1, platform: 'esp' }))],
      (raw) => ['.otarc', stringify(device(raw, { passwordHash: raw }))],
      (raw) => ['.otarc', stringify({ devices: { livingroom: { pasword: raw, passwordHash: raw } } })],
      (raw) => ['.otarc', stringify({ devices: { livingroom: { password: [raw], port: 'x' } } })],
      (raw) => ['.otarc', stringify({ devices: { livingroom: { password: { [raw]: raw, text: raw } } } })],
      (raw) => ['.otarc', stringify({ password: raw })],
      (raw) => ['.otarc', JSON.stringify({ ota: { '0': { passwd: raw, port: 'x' } } })],
      // Without the quotes that it would need, and with one too few.
      (raw) => ['.otarc', `devices:\n  livingroom:\n    password: ${raw}\n    prot: 1\n`],
      (raw) => ['.otarc', `devices:\n  livingroom:\n    password: ${raw}: ${raw}\n`],
      (raw) => ['.otarc', `devices:\n  livingroom:\n    password: ${raw}\n\tport: 1\n`],
      (raw) => ['.otarc', `devices:\n  livingroom:\n    password: "${raw}\n    prot: 1\n`],
      (raw) => ['.otarc', `devices:\n  livingroom:\n    password: "${raw}" ${raw}\n`],
      (raw) => ['.otarc', `devices:\n  livingroom:\n    password:\n      ${raw}\n     "x\n`],
      (raw) => ['.otarc', `devices:\n  livingroom:\n    password: |\n      ${raw}\n   ${raw}: [\n`],
      (raw) => ['.otarc', `devices: {livingroom: {password: ${raw}, prot: 1}}\n`],
      (raw) => ['.otarc.json', `{"devices": {"livingroom": {"password": "${raw}" "port": 1}}}`],
      (raw) => ['.otarc.json', `{"devices": {"livingroom": {"password": ${raw}}}}`],
      (raw) => ['.otarc.json', `{"devices": {"livingroom": {"password":\n"${raw}" "port": 1}}}`],
      (raw) => ['.otarc.json', `{"devices": {"livingroom": {"password":\n"${raw}": 1}}}`],
      (raw) => ['package.json', `{"otarc": {"devices": {"livingroom": {"password": "${raw}", "prot": 1}}}}`],
      // Programs.
      (raw) => ['.otarc.cjs', `module.exports = {devices: {a: {password: ${raw}, prot: 1}}}`],
      (raw) => ['.otarc.mjs', `export default {devices: {a: {password: "${raw}" "x"}}}`],
      (raw) => ['otarc.config.ts', `export default {devices: {a: {\n password: ${raw},\n prot: }}}`],
    ];
    let mistakes = 0;
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom(...files), async ({ raw, core }, make) => {
        rmSync(join(folder, '.otarc'), { force: true });
        const [name, text] = make(raw);
        write(name, text);
        const ran = await run();
        rmSync(join(folder, name));
        if (ran.error !== undefined) mistakes++;
        expect(everythingOf(ran)).not.toContain(core);
      }),
      { numRuns: 600 },
    );
    expect(mistakes).toBeGreaterThan(200);
  });
});
