import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { main } from '../../src/cli/program.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'otarc-config-typos-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

/** A password as people choose them, and too odd to occur anywhere by chance. */
const secret = 'Qz7vXk93Jw';
/** What is left of it when a slip of the finger has cut it in two. */
const parts = [secret.slice(0, 5), secret.slice(5), secret];

interface Written {
  readonly name: string;
  readonly text: string;
}

const keys = fc.constantFrom(
  'password',
  'passwd',
  'passwordHash',
  'otaPassword',
  'OTA_PW',
  'secret',
  'token',
);
const names = fc.constantFrom('lamp', 'living-room', 'Küche', '192.0.2.7');

/** A configuration with the password in one of the places where people put it. */
const value = fc.record({ key: keys, name: names, place: fc.nat(6) }).map(({ key, name, place }): object => {
  const other = { hall: { host: '127.0.0.1', port: 8266 } };
  // Of another word, what a slip leaves (`OTA_P: x`, `tokenx`) is a name of a device or of a host like any other.
  const passwordKey = key.startsWith('pass') ? key : 'password';
  switch (place) {
    case 0:
      return {
        device: name,
        devices: { [name]: { host: '127.0.0.1', [key]: secret, port: 3232 }, ...other },
      };
    case 1:
      return { devices: { ...other, [name]: { [passwordKey]: secret } }, groups: { up: [name, 'hall'] } };
    case 2:
      return { [key]: secret, devices: other };
    case 3:
      return { devices: { ...other, [passwordKey]: secret } };
    case 4:
      return { ota: { '0': { port: 8266, passwd: secret } }, device: { '0': { name } } };
    case 6:
      return withoutComma(name, passwordKey);
    default:
      return {
        devices: { [name]: { host: '127.0.0.1', password: secret }, ...other },
        groups: { up: [name] },
        build: { command: ['make', `${key}=${secret}`, '--auth', secret], image: 'x.bin' },
      };
  }
});

/** As YAML reads it where a comma or a line break is missing behind a value. */
function withoutComma(name: string, key: string): object {
  const rest = ` ${key}:${secret}`;
  const one = { host: '127.0.0.1', homeding: `env.json${rest}`, environment: `d1${rest}` };
  return {
    devices: { [name]: one, hall: { host: '127.0.0.2', partitions: `a.csv${rest}` } },
    interfaces: [`lo${rest}`],
    build: { sketch: `.${rest}` },
  };
}

const yamlOptions = [
  {},
  { defaultStringType: 'QUOTE_DOUBLE' },
  { defaultStringType: 'QUOTE_SINGLE' },
  { collectionStyle: 'flow' },
  { collectionStyle: 'flow', lineWidth: 0 },
] as const;

const file: fc.Arbitrary<Written> = fc.oneof(
  fc
    .tuple(value, fc.constantFrom(...yamlOptions), fc.constantFrom('.otarc', '.otarc.yaml'))
    .map(([it, options, name]) => ({ name, text: stringify(it, options) })),
  fc
    .tuple(value, fc.constantFrom(0, 2), fc.constantFrom('.otarc', '.otarc.json', '.otarc.yml'))
    .map(([it, space, name]) => ({ name, text: JSON.stringify(it, null, space) })),
  fc.tuple(value, fc.constantFrom(0, 2)).map(([it, space]) => ({
    name: 'package.json',
    text: JSON.stringify({ name: 'x', otarc: it }, null, space),
  })),
  fc
    .tuple(value, fc.constantFrom('module.exports = ', 'const x = 1;\nmodule.exports = '))
    .map(([it, before]) => ({ name: '.otarc.cjs', text: `${before}${JSON.stringify(it, null, 1)};\n` })),
  value.map((it) => ({ name: '.otarc.cjs', text: `module.exports = ${bareJson(it)};\n` })),
);

/** Without the quotation marks around keys and values, as a hurried author of a program writes. */
const bareJson = (it: object): string => JSON.stringify(it, null, 1).replaceAll(/"([\w]+)"/g, '$1');

interface Typo {
  /** Distance from the password, in characters; negative: before it. */
  readonly offset: number;
  readonly change: 'delete' | 'double' | 'swap' | 'insert' | 'replace' | 'cut-key';
  readonly character: string;
}

const typo: fc.Arbitrary<Typo> = fc.record({
  offset: fc.oneof(
    fc.integer({ min: -3, max: secret.length + 3 }),
    fc.integer({ min: -24, max: secret.length + 24 }),
  ),
  change: fc.constantFrom('delete', 'double', 'swap', 'insert', 'replace', 'cut-key'),
  character: fc.constantFrom(...' \n\t:,-{}[]"\'#&*!|>%@`=?\\x1;.$<~/('),
});

function withTypo(text: string, { offset, change, character }: Typo): string {
  // One of the places where it stands.
  const at = Math.min(text.length, Math.max(0, text.indexOf(secret) + offset));
  const [before, here, next, behind] = [
    text.slice(0, at),
    text.charAt(at),
    text.charAt(at + 1),
    text.slice(at + 2),
  ];
  switch (change) {
    case 'delete':
      return before + next + behind;
    case 'double':
      return before + here + here + next + behind;
    case 'swap':
      return before + next + here + behind;
    case 'insert':
      return before + character + here + next + behind;
    case 'replace':
      return before + character + next + behind;
    case 'cut-key':
      // The blank behind a colon, or the colon: what comes of it looks like one word.
      return text.replace(/:\s*(?=["']?Qz7)/, character === ':' ? ':' : '');
  }
}

class Sink extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs otarc in a folder with this file, and says all that it has printed. */
async function printedBy(argv: readonly string[], files: readonly Written[]): Promise<string> {
  const folder = join(root, `${++count}`);
  mkdirSync(join(folder, '.git'), { recursive: true });
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
  const [stdout, stderr] = [new Sink(), new Sink()];
  const io = {
    stdout,
    stderr,
    stdin: process.stdin,
    env: { HOME: root, USERPROFILE: root, XDG_STATE_HOME: root },
    cwd: folder,
    signal: AbortSignal.timeout(20_000),
  };
  await main({ argv, version: '0.0.0' }, io);
  rmSync(folder, { recursive: true });
  return stdout.text + stderr.text;
}

/** None of them reaches the network: there is no target, no image, or it is asked for nothing. */
const commands = [
  ['config'],
  ['config', '--json'],
  ['push', 'nobody'],
  ['push', 'nobody', '--json'],
  ['deploy', 'nobody', '--json', '--dry-run'],
  ['watch', 'nobody', '--json'],
  ['doctor', 'nobody', '--json'],
  ['init', '--yes', '--dry-run', '--no-scan', '--json'],
];

describe('a slip of the finger near a password', () => {
  it('lets no command print it, as text or as JSON', { timeout: 300_000 }, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        file,
        fc.array(typo, { minLength: 0, maxLength: 2 }),
        fc.constantFrom(...commands),
        async ({ name, text }, typos, argv) => {
          const wrong = typos.reduce(withTypo, text);
          const printed = await printedBy(argv, [{ name, text: wrong }]);
          if (/CONFIG_/.test(printed)) refused++;
          const shown = parts.filter((part) => printed.includes(part));
          expect(shown, `${name}:\n${wrong}\n--- otarc ${argv.join(' ')}\n${printed}`).toEqual([]);
        },
      ),
      { seed: 16, numRuns: 250 },
    );
    expect(refused).toBeGreaterThan(80);
  });

  it('lets none print it that stands in a file beside the configuration', { timeout: 300_000 }, async () => {
    const config = { name: '.otarc', text: 'devices: { lamp: { homeding: env.json } }\n' };
    const beside = fc.oneof(
      fc.constantFrom(0, 1).map((space) => ({
        name: 'env.json',
        text: JSON.stringify(
          { device: { '0': { name: 'x' } }, ota: { '0': { passwd: secret } } },
          null,
          space,
        ),
      })),
      fc
        .constantFrom(
          `LAMP_PW=${secret}`,
          `OTARC_PASSWORD="${secret}"`,
          `export OTARC_PASSWORD_LAMP='${secret}'`,
        )
        .map((line) => ({ name: '.otarc.env', text: `# of the house\n${line}\nOTHER=1\n` })),
      fc.constantFrom('--auth=', '-a ', '-a', '--auth ').map((flag) => ({
        name: 'platformio.ini',
        text: `[env:x]\nupload_protocol = espota\nupload_port = lamp.local\nupload_flags = ${flag}${secret}\n`,
      })),
      fc.constantFrom('"', '').map((quote) => ({
        name: 'sketch.yaml',
        text: `default_port: lamp.local\ndefault_fqbn: x:y:z\npassword: ${quote}${secret}${quote}\n`,
      })),
    );
    await fc.assert(
      fc.asyncProperty(
        beside,
        fc.array(typo, { minLength: 1, maxLength: 2 }),
        fc.constantFrom(...commands),
        async ({ name, text }, typos, argv) => {
          const wrong = typos.reduce(withTypo, text);
          const own = name === 'env.json' ? [config] : [];
          const printed = await printedBy(argv, [...own, { name, text: wrong }]);
          const shown = parts.filter((part) => printed.includes(part));
          expect(shown, `${name}:\n${wrong}\n--- otarc ${argv.join(' ')}\n${printed}`).toEqual([]);
        },
      ),
      { seed: 16, numRuns: 120 },
    );
  });
});
