/** A configuration may be a link to any file of this computer, and `--config` may name one: nothing of its text is printed. */

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OtaError } from '../../src/model/errors.ts';
import { parseText } from '../../src/config/parse-text.ts';
import { runMain } from '../support/run-main.ts';
import { tempDir } from '../support/temp-dir.ts';

/** By the words that must not be seen. */
const files: Readonly<Record<string, string>> = {
  shadow: 'root:$y$j9T$Zqxw$hashhash:19000:0:99999:7:::\nposts:*:19000:0:99999:7:::\n',
  'shadow of one user': 'hostess:$6$Zqxw$hashhash:19000:0:99999:7:::\n',
  'a private key': '-----BEGIN OPENSSH PRIVATE KEY-----\nZqxwhashhash\n-----END OPENSSH PRIVATE KEY-----\n',
  'credentials in INI form': '[posts]\nhostess_key = Zqxwhashhash: 7\nposts\n',
  'credentials as variables': 'HOSTESS=Zqxwhashhash\nexport POSTS="Zqxw: hashhash"\n',
  'a history of commands': 'curl -u hostess:Zqxwhashhash http://posts/\nls: hashhash\n',
  'a list': '- hostess: Zqxwhashhash\n- posts\n',
  'one text': 'hostess Zqxwhashhash posts\n',
  'an unclosed quotation': 'hostess: "Zqxwhashhash\nposts: [\n',
};
const words = /Zqxw|hashhash|hostess|posts|root/i;

describe.skipIf(process.platform === 'win32')(
  'a file of somebody else in the place of a configuration',
  () => {
    it.each(Object.entries(files))('is not quoted: %s', async (_name, text) => {
      const cwd = await tempDir();
      await mkdir(join(cwd, 'home'));
      const secret = join(cwd, 'home', 'secret');
      await writeFile(secret, text);
      const runs: string[][] = [
        ['config', '--config', secret],
        ['config', '--json', '--config', secret],
        ['push', '192.0.2.1', '--file', 'no.bin', '--config', secret],
      ];
      for (const argv of runs) {
        const { exitCode, stdout, stderr } = await runMain(argv, { cwd });
        expect(exitCode).toBe(2);
        expect(stdout + stderr).not.toMatch(words);
      }
      await symlink(secret, join(cwd, '.otarc'));
      const linked = await runMain(['config'], { cwd });
      expect(linked.exitCode).toBe(2);
      expect(linked.stdout + linked.stderr).not.toMatch(words);
    });

    it('is not quoted where the configuration names it', async () => {
      const cwd = await tempDir();
      await mkdir(join(cwd, 'home'));
      for (const [name, text] of Object.entries(files)) {
        await writeFile(join(cwd, 'foreign'), text);
        await writeFile(join(cwd, '.otarc'), 'devices: { hall: { host: 192.0.2.1, homeding: foreign } }\n');
        const { stdout, stderr } = await runMain(['config'], { cwd });
        expect(stdout + stderr, name).not.toMatch(words);
        await writeFile(join(cwd, '.otarc.env'), text);
        await writeFile(join(cwd, '.otarc'), 'device: 192.0.2.1\n');
        const secrets = await runMain(['config'], { cwd });
        expect(secrets.stdout + secrets.stderr, name).not.toMatch(words);
      }
    });
  },
);

describe('a syntax error', () => {
  it('shows words only of a text that has a key of a configuration', () => {
    const word = fc.constantFrom('hosts', 'prot', 'device-x', 'paswd', 'geheim', 'tools', 'grups');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), word, (keys, last) => {
        const text = `${keys.map((key, index) => `${key}${index}: x\n`).join('')}${last} x\n${last}: [\n`;
        let message = '';
        try {
          parseText('/x/.otarc', text);
        } catch (error) {
          if (!(error instanceof OtaError)) throw error;
          ({ message } = error);
        }
        expect(message).toContain('/x/.otarc:');
        for (const each of [...keys, last]) expect(message).not.toContain(each);
      }),
    );
  });

  it('of a configuration still shows its line', () => {
    expect(() => parseText('/x/.otarc', 'device: hall\ntool: x: y\n')).toThrow(/2 \| tool: /);
  });
});
