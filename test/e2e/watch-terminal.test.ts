import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { quickDevice, startOtarc, writeOtarc } from '../support/otarc.ts';
import { processesOf } from '../support/processes.ts';
import { packed } from '../support/packed.ts';
import { hasPty, onTerminal, otarcOnTerminal } from '../support/pty.ts';
import { makeScriptProject } from '../support/watch.ts';

const build = { command: [process.execPath, 'build.mjs'], image: 'out/firmware.bin' };

async function scene(options: Parameters<typeof quickDevice>[0] = {}) {
  const device = await quickDevice(options);
  const project = await makeScriptProject(device, { build });
  return { device, ...project };
}

describe.skipIf(!hasPty)('otarc watch on a terminal', () => {
  it('shows in one line what it does, and in another one what came of it', async () => {
    const { dir, save } = await scene();
    const terminal = await otarcOnTerminal(['watch'], { cwd: dir });
    await terminal.shows(/building/);
    const shown = await terminal.shows(/watching[^\n]*livingroom[^\n]*deployed at [\d:]{8}[^\n]*h for help/);
    // The line of a run, green, above the status line; the bell at its end.
    expect(shown).toMatch(/␛\[32mpushed to livingroom in [^\n]*\r\n/);
    expect(shown).toContain('\u0007');
    await save('second');
    await terminal.shows(/changed: src\/main\.txt[^]*pushed to livingroom[^]*watching/);
    await save('broken');
    const failed = await terminal.shows(/not built at [\d:]{8}, l shows why/);
    expect(failed).toMatch(/src\/main\.txt:1:7: 'broken' was not declared/);
    expect(failed).not.toContain('compilation terminated');
    terminal.type('q');
    const end = await terminal.ended;
    expect(end).toMatchObject({ exitCode: 0, left: 'cooked' });
    // Nothing of the status line is left on the screen.
    expect(end.text.slice(end.text.lastIndexOf('h for help'))).toMatch(/\r␛\[2K(?:\[\[left|$)/);
  });

  it('obeys its keys', async () => {
    const { dir, device } = await scene();
    const terminal = await otarcOnTerminal(['watch'], { cwd: dir });
    await terminal.shows(/watching[^\n]*deployed at/);
    expect(await terminal.mode()).toBe('raw');
    terminal.type('h');
    await terminal.shows(/r {2}deploy again[^]*q {2}quit/);
    terminal.type('r');
    await terminal.shows(/on request[^]*pushed to livingroom[^]*watching/);
    expect(device.updates).toHaveLength(2);
    terminal.type('b');
    await terminal.shows(/built at/);
    expect(device.updates).toHaveLength(2);
    terminal.type('l');
    await terminal.shows(/building first/);
    terminal.type('\u001B[A');
    terminal.type('q');
    expect(await terminal.ended).toMatchObject({ exitCode: 0, left: 'cooked' });
  });

  it('pauses, and goes on with what was saved meanwhile', async () => {
    const { dir, device, save } = await scene();
    const terminal = await otarcOnTerminal(['watch'], { cwd: dir });
    await terminal.shows(/watching[^\n]*deployed at/);
    terminal.type('p');
    await terminal.shows(/paused/);
    await save('second');
    await save('third');
    await terminal.shows(/paused, 1 changed file waiting/);
    expect(device.updates).toHaveLength(1);
    terminal.type('p');
    await terminal.shows(/pushed to livingroom[^]*watching/);
    expect(device.updates).toHaveLength(2);
    terminal.type('q');
    expect((await terminal.ended).exitCode).toBe(0);
  });

  it('lets devices be chosen', async () => {
    const [one, two] = [await quickDevice(), await quickDevice()];
    const { dir, save } = await makeScriptProject(one);
    await writeOtarc(dir, { one: { at: one }, two: { at: two } }, { build, device: 'one' });
    const terminal = await otarcOnTerminal(['watch', '--all'], { cwd: dir });
    await terminal.shows(/watching[^\n]*one, two[^\n]*deployed at/);
    terminal.type('d');
    await terminal.shows(/1 \[x\] one[^]*2 \[x\] two/);
    terminal.type('2');
    await terminal.shows(/1 \[x\] one[^]*2 \[ \] two/);
    terminal.type('12\r');
    await terminal.shows(
      /From now on: two\.[^]*other devices were chosen[^]*skipped two[^]*watching[^\n]*two/,
    );
    await save('second');
    await terminal.shows(/pushed to two/);
    expect([one.updates.length, two.updates.length]).toEqual([1, 2]);
    terminal.type('d');
    await terminal.shows(/Which devices/);
    terminal.type('\u001B');
    await terminal.shows(/stay as they were/);
    terminal.type('q');
    expect((await terminal.ended).exitCode).toBe(0);
  });

  it('ends with `q` without a word of error during a build, and after the push that is on', async () => {
    const slow = await scene();
    await slow.save('slow:20000');
    const building = await otarcOnTerminal(['watch'], { cwd: slow.dir });
    await vi.waitFor(() => readFile(join(slow.dir, 'out', 'builds.log')), { timeout: 20_000 });
    building.type('q');
    const end = await building.ended;
    expect(end).toMatchObject({ exitCode: 0, left: 'cooked' });
    expect(end.text).not.toMatch(/error|interrupted/);
    expect(processesOf(slow.dir).filter((name) => name !== 'python3')).toEqual([]);

    const { dir, device } = await scene({ flash: { msPerSector: 400 } });
    const pushing = await otarcOnTerminal(['watch'], { cwd: dir });
    await device.waitFor('received');
    pushing.type('h');
    // On lines of its own, in place of the progress, which is drawn again below.
    await pushing.shows(/livingroom \[[^\n]*␛\[2Kr {2}deploy again[^]*q {2}quit/);
    pushing.type('q');
    await pushing.shows(/finished first/);
    expect(await pushing.ended).toMatchObject({ exitCode: 0, left: 'cooked' });
    expect(device.updates).toMatchObject([{ result: 'accepted' }]);
  });

  it('breaks a push off where `q` is pressed once more', async () => {
    const { dir, device } = await scene({ faults: { stallsAtBytes: 4096 } });
    const terminal = await otarcOnTerminal(['watch'], { cwd: dir });
    await device.waitFor('received');
    terminal.type('q');
    await terminal.shows(/finished first/);
    terminal.type('q');
    expect(await terminal.ended).toMatchObject({ exitCode: 130, left: 'cooked' });
    await vi.waitFor(() => expect(device.state).toBe('idle'), { timeout: 20_000 });
  });

  it('ends with Ctrl-C, as a signal does, and leaves no process', async () => {
    const { dir, save } = await scene();
    await save('slow:20000');
    const terminal = await otarcOnTerminal(['watch'], { cwd: dir });
    await vi.waitFor(() => readFile(join(dir, 'out', 'builds.log')), { timeout: 20_000 });
    terminal.type('\u0003');
    expect(await terminal.ended).toMatchObject({ exitCode: 130, left: 'cooked' });
    expect(processesOf(dir).filter((name) => name !== 'python3')).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('leaves the terminal as it was after %s', async (signal) => {
    const { dir } = await scene();
    const terminal = await otarcOnTerminal(['watch'], { cwd: dir });
    await terminal.shows(/watching[^\n]*deployed at/);
    process.kill(terminal.pid, signal);
    expect(await terminal.ended).toMatchObject({
      exitCode: signal === 'SIGTERM' ? 143 : 129,
      left: 'cooked',
    });
  });

  it('notifies where it is asked to', async () => {
    const { dir } = await scene();
    const terminal = await otarcOnTerminal(['watch', '--notify'], { cwd: dir });
    expect(await terminal.shows(/␛\]9;otarc: livingroom: deployed at [\d:]{8}/)).not.toContain('failed');
    terminal.type('q');
    await terminal.ended;
  });

  it('draws nothing and reads no key with --json, --once and -q', async () => {
    for (const flag of ['--json', '--once', '-q']) {
      const { dir } = await scene();
      const terminal = await otarcOnTerminal(['watch', flag], { cwd: dir });
      if (flag === '--json') await terminal.shows(/"type":"done"/);
      if (flag !== '--once') {
        expect(await terminal.mode()).toBe('cooked');
        process.kill(terminal.pid, 'SIGINT');
      }
      const { text, exitCode } = await terminal.ended;
      expect(exitCode).toBe(flag === '--once' ? 0 : 130);
      expect(text).not.toContain('h for help');
    }
  });
});

describe.skipIf(!hasPty)('otarc watch in the background of a shell', () => {
  it('reads no key, draws nothing, and is not stopped by the system', async () => {
    const { dir, device } = await scene();
    const { bin } = await packed();
    // `set -m`: jobs of their own, as at a prompt.
    const shell = 'set -m; "$0" watch & echo "job $!."; wait; echo over';
    const terminal = await onTerminal(['bash', '-c', shell, bin], { cwd: dir });
    const [, job] = /job (\d+)\./.exec(await terminal.shows(/job \d+\./)) ?? [];
    await terminal.shows(/pushed to livingroom/);
    expect(await terminal.mode()).toBe('cooked');
    expect(device.updates).toHaveLength(1);
    process.kill(Number(job), 'SIGTERM');
    const { text } = await terminal.ended;
    expect(text).toContain('over');
    expect(text).not.toContain('h for help');
  });
});

describe('otarc watch without a terminal', () => {
  it('says the same in plain lines, and reads nothing', async () => {
    const { dir, save } = await scene();
    const running = await startOtarc(['watch'], { cwd: dir });
    await running.said(/pushed to livingroom/);
    await save('broken');
    await running.said(/failed on livingroom/);
    running.kill('SIGINT');
    const { exitCode, stdout, stderr } = await running.ended;
    expect(exitCode).toBe(130);
    expect(stdout + stderr).not.toContain('\u001B');
    expect(stderr).toMatch(/error BUILD_FAILED: src\/main\.txt:1:7: 'broken' was not declared/);
    expect(stderr).not.toContain('compilation terminated');
    expect(stdout).toMatch(/^pushed to livingroom in .*\nfailed on livingroom in .*\n$/);
  });

  it('runs a command after each deploy, and ends the one before', async () => {
    const { dir, device, save } = await scene();
    const running = await startOtarc(
      ['watch', '--exec', `sh -c 'echo "monitor {device} at {address}"; sleep 600'`],
      { cwd: dir },
    );
    await running.said(/monitor livingroom at 127\.0\.0\.1/);
    await save('second');
    await running.said(/monitor[^]*monitor/);
    expect(device.updates).toHaveLength(2);
    await vi.waitFor(() => expect(processesOf(dir).filter((name) => name === 'sleep')).toHaveLength(1), {
      timeout: 20_000,
    });
    running.kill('SIGINT');
    expect((await running.ended).exitCode).toBe(130);
    expect(processesOf(dir)).toEqual([]);
  });

  it('is waited for with --once, and what becomes of it is said', async () => {
    const { dir } = await scene();
    const once = (command: string) => startOtarc(['watch', '--once', '--exec', command], { cwd: dir });
    const slow = await (await once(`sh -c 'sleep 1; echo "monitor {device}"'`)).ended;
    expect(slow).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('monitor livingroom') });
    const failing = await (await once('false')).ended;
    expect(failing).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/`false` ended with exit code 1/),
    });
  });

  it('runs it for each device', async () => {
    const [one, two] = [await quickDevice(), await quickDevice()];
    const { dir } = await makeScriptProject(one);
    await writeOtarc(dir, { one: { at: one }, two: { at: two } }, { build });
    const running = await startOtarc(
      ['watch', '--all', '--exec', `sh -c 'echo "monitor {device}"; sleep 600'`],
      { cwd: dir },
    );
    await running.said(/monitor one[^]*monitor two|monitor two[^]*monitor one/);
    running.kill('SIGINT');
    expect((await running.ended).exitCode).toBe(130);
    expect(processesOf(dir)).toEqual([]);
  });

  it('gives that command no password', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { dir } = await makeScriptProject(device);
    await writeOtarc(dir, { livingroom: { at: device, password: { env: 'LIVINGROOM_PW' } } }, { build });
    const running = await startOtarc(['watch', '--exec', 'env'], {
      cwd: dir,
      env: { HOME: dir, LIVINGROOM_PW: 'geheim', OTARC_PASSWORD_HALL: 'geheim', OTHER: 'x' },
    });
    const text = await running.said(/^OTARC_DEVICE=livingroom$/m);
    running.kill('SIGINT');
    const { stderr } = await running.ended;
    expect(stderr).toMatch(/^OTHER=x$/m);
    expect(text + stderr).not.toContain('geheim');
  });

  it('refuses a command that is none before anything is built', async () => {
    const { dir } = await scene();
    const running = await startOtarc(['watch', '--exec', 'sh -c "open'], { cwd: dir });
    expect(await running.ended).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/error USAGE: .*without its end/),
    });
  });
});
