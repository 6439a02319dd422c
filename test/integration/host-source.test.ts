/** Programs of this computer that are asked for many devices at once. */

import { chmod, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hostFacts } from '../../src/diagnose/host/facts.ts';
import { thisHost } from '../../src/diagnose/host/source.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Before all others that it finds. */
async function withProgram(name: string, script: string): Promise<string> {
  const dir = await tempDir();
  await writeFile(join(dir, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(dir, name), 0o755);
  const { PATH } = process.env;
  onTestFinished(() => {
    process.env['PATH'] = PATH;
  });
  process.env['PATH'] = [dir, PATH].join(delimiter);
  return dir;
}

const isPosix = process.platform !== 'win32';

test.runIf(process.platform === 'linux')('32 devices that fail at once ask each program once', async () => {
  const dir = await withProgram('iptables', 'echo asked >> "$(dirname "$0")/log"; echo "-P INPUT DROP"');
  const { signal } = new AbortController();
  const addresses = Array.from({ length: 32 }, (_, index) => `192.0.2.${index + 1}`);
  const facts = await Promise.all(addresses.map((address) => hostFacts(thisHost(signal), { address })));
  expect(facts.every(({ firewalls }) => firewalls.length > 0)).toBe(true);
  expect(await readFile(join(dir, 'log'), 'utf8')).toBe('asked\n');
});

test.runIf(isPosix)(
  'a program that does not end is there all the same, and one that is not is not',
  async () => {
    await withProgram('slow-tool', 'exec sleep 60');
    const { run } = thisHost(new AbortController().signal);
    expect(await run(['slow-tool'])).toEqual({ ok: false, output: '', isCut: true });
    expect(await run(['no-such-tool'])).toBeUndefined();
  },
);

test.runIf(isPosix)('a program is ended with who asked for it', async () => {
  await withProgram('slow-tool', 'exec sleep 60');
  const user = new AbortController();
  const said = thisHost(user.signal).run(['slow-tool', 'again']);
  user.abort();
  expect(await said).toBeUndefined();
});
