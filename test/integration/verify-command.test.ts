import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandProof } from '../../src/deploy/verify/command.ts';
import type { ProofContext } from '../../src/deploy/verify/proof.ts';
import type { Device, Image, Target } from '../../src/model/types.ts';
import { tempDir } from '../support/temp-dir.ts';

const image = { path: '/p/firmware.bin', md5: 'a'.repeat(32), kind: 'firmware', version: '1.2' } as Image;

const contextOf = (timeoutMs: number, lines: string[] = []): ProofContext => ({
  device: { name: 'lamp' } as Device,
  target: { name: 'lamp', address: '192.0.2.7', port: 8266 } as Target,
  image,
  before: {},
  acceptedAtMs: performance.now(),
  timeoutMs,
  knowsSum: () => false,
  address: () => '192.0.2.8',
  log: (_level, message) => void lines.push(message),
});

/** A program of Node, in a folder of its own, and how it is run as a proof. */
async function programOf(code: string) {
  const cwd = await tempDir();
  await writeFile(join(cwd, 'check.cjs'), `const fs = require('node:fs');\n${code}`);
  const env = { ...process.env, OTARC_PASSWORD_LAMP: 'hunter2', LAMP_PW: 'hunter3' };
  const options = { cwd, env, secretVariables: ['LAMP_PW'], returned: () => Promise.resolve() };
  return { cwd, proof: commandProof([process.execPath, 'check.cjs'], options) };
}

/** One that has ended and that nobody has taken note of (a zombie) does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = process.platform === 'linux' ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

const { signal } = new AbortController();

describe('proof by a command', () => {
  it('is exit status 0, and the program knows device and image, no password', async () => {
    const { cwd, proof } = await programOf(`fs.writeFileSync('env.json', JSON.stringify(process.env));`);
    expect(await proof.wait(contextOf(30_000), signal)).toMatchObject({
      type: 'verified',
      method: 'command',
    });
    const text = await readFile(join(cwd, 'env.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      OTARC_DEVICE: 'lamp',
      OTARC_ADDRESS: '192.0.2.8',
      OTARC_PORT: '8266',
      OTARC_IMAGE: '/p/firmware.bin',
      OTARC_KIND: 'firmware',
      OTARC_MD5: image.md5,
      OTARC_VERSION: '1.2',
    });
    expect(text).not.toContain('hunter');
    expect(text).not.toContain('OTARC_IDENTITY');
  });

  it('is tried again until it comes', async () => {
    const { proof } = await programOf(
      `if (!fs.existsSync('once')) { fs.writeFileSync('once', ''); console.error('not yet'); process.exit(3); }`,
    );
    const lines: string[] = [];
    expect(await proof.wait(contextOf(30_000, lines), signal)).toMatchObject({ type: 'verified' });
    expect(lines).toEqual([expect.stringMatching(/ended with exit status 3: not yet$/)]);
  });

  it('is missing with the last words of the program, made safe', async () => {
    const { proof } = await programOf(
      String.raw`process.stdout.write('\u001b[31mold \u0007sketch\u202e\n'); process.exit(1);`,
    );
    const verification = await proof.wait(contextOf(2_500), signal);
    expect(verification).toMatchObject({ type: 'unproven', method: 'command' });
    expect(JSON.stringify(verification)).toContain(String.raw`exit status 1: old sketch\\u202e`);
  });

  it('ends a program that hangs, at the limit', async () => {
    const { cwd, proof } = await programOf(
      `fs.writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000);`,
    );
    expect(await proof.wait(contextOf(2_500), signal)).toMatchObject({
      type: 'unproven',
      reason: expect.stringContaining('has not ended'),
    });
    const pid = Number(await readFile(join(cwd, 'pid'), 'utf8'));
    expect(isRunning(pid)).toBe(false);
  });

  it('ends with all processes when aborted', async () => {
    const { cwd, proof } = await programOf(
      `const { spawn } = require('node:child_process');
       const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
       fs.writeFileSync('pid', String(child.pid)); setInterval(() => {}, 1000);`,
    );
    const controller = new AbortController();
    const waiting = proof.wait(contextOf(60_000), controller.signal);
    const file = join(cwd, 'pid');
    await expect.poll(() => existsSync(file), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => readFile(file, 'utf8'), { timeout: 20_000 }).toMatch(/^\d+$/);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    const pid = Number(await readFile(file, 'utf8'));
    expect(isRunning(pid)).toBe(false);
  });

  it('waits for the device to be back', async () => {
    const { cwd } = await programOf('');
    let isBack = false;
    const returned = async (): Promise<void> => {
      await writeFile(join(cwd, 'back'), '');
      isBack = true;
    };
    const proof = commandProof(
      [process.execPath, '-e', `process.exit(require('fs').existsSync('back') ? 0 : 9)`],
      {
        cwd,
        env: process.env,
        secretVariables: [],
        returned,
      },
    );
    const lines: string[] = [];
    expect(await proof.wait(contextOf(30_000, lines), signal)).toMatchObject({ type: 'verified' });
    expect({ isBack, lines }).toEqual({ isBack: true, lines: [] });
  });

  it('waits some seconds where nobody can see whether the device is back', async () => {
    const cwd = await tempDir();
    const unseen = commandProof([process.execPath, '-e', ''], {
      cwd,
      env: process.env,
      secretVariables: [],
      returned: () => Promise.resolve(false),
    });
    // Not even one that ends at once has begun.
    expect(await unseen.wait(contextOf(2_000), signal)).toMatchObject({
      type: 'unproven',
      reason: expect.stringContaining('has not ended'),
    });
    expect(await unseen.wait(contextOf(60_000), signal)).toMatchObject({ type: 'verified' });
  });

  it('is a program that cannot be started: nothing is waited for', async () => {
    const options = {
      cwd: await tempDir(),
      env: process.env,
      secretVariables: [],
      returned: () => Promise.resolve(),
    };
    const verification = await commandProof(['./none.sh'], options).wait(contextOf(60_000), signal);
    expect(verification).toMatchObject({
      type: 'unproven',
      reason: expect.stringContaining('`./none.sh` cannot be run'),
    });
  });
});
