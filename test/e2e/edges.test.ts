import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeEsp8266Image, makeLittlefsImage } from '../support/images.ts';
import { addressOf, otarc, quickDevice, startOtarc, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('the edges of a run', () => {
  it('ends the build tool when the terminal goes away', async () => {
    const cwd = await tempDir();
    const device = await quickDevice();
    const script = 'console.log(`builds in ${process.pid}`); setInterval(() => {}, 1000);';
    await writeOtarc(
      cwd,
      { hall: { at: device } },
      { build: { command: [process.execPath, '-e', script], image: 'x.bin' } },
    );
    const running = await startOtarc(['deploy'], { cwd });
    const pid = Number(/builds in (\d+)/.exec(await running.said(/builds in \d+/))?.[1]);
    running.kill('SIGHUP');
    expect((await running.ended).exitCode).toBe(129);
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  it('says that a file system is half written after an interruption', async () => {
    const cwd = await tempDir();
    const device = await quickDevice({ flash: { msPerSector: 20, filesystemBytes: 1024 * 1024 } });
    await writeFile(join(cwd, 'littlefs.bin'), makeLittlefsImage({ sizeBytes: 1024 * 1024 }));
    const connected = device.waitFor('connected');
    const args = ['push', addressOf(device), '--filesystem', '--file', 'littlefs.bin', '--json'];
    const running = await startOtarc(args, { cwd });
    await connected;
    running.kill('SIGINT');
    const { exitCode, stdout } = await running.ended;
    expect(exitCode).toBe(130);
    expect(stdout).toContain('half written');
  });

  it('waits as long as espota -t says', async () => {
    const cwd = await tempDir();
    const device = await quickDevice({ faults: { silent: true } });
    await writeFile(join(cwd, 'firmware.bin'), makeEsp8266Image({ sizeBytes: 8192 }));
    const port = String(device.port);
    const args = ['espota', '-i', device.address, '-p', port, '-f', 'firmware.bin', '-t', '1'];
    const { exitCode, stderr } = await otarc(args, { cwd });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/DEVICE_SILENT.* invitations in 1 s/);
  });

  it('keeps the settings of the user out of the demo', async () => {
    const cwd = await tempDir();
    await mkdir(join(cwd, 'tmp'));
    const env = { HOME: cwd, TMPDIR: join(cwd, 'tmp'), OTARC_PASSWORD: 'other', OTARC_PORT: '9' };
    expect((await otarc(['demo'], { cwd, env })).exitCode).toBe(0);
  });

  it('finds every mistake of the configuration before it builds', async () => {
    const cwd = await tempDir();
    const device = await quickDevice();
    const build = { command: [process.execPath, '-e', 'console.log("BUILT")'], image: 'x.bin' };
    await writeOtarc(
      cwd,
      { hall: { at: device, partitions: 'nope.csv' }, attic: { at: device, password: { env: 'NOT_SET' } } },
      { build },
    );
    const { exitCode, stderr } = await otarc(['deploy', '--all', '--interface', 'nope0'], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).not.toContain('BUILT');
    expect(stderr).toContain('SECRET_UNAVAILABLE');
    expect(stderr).toContain('nope0');
    expect(device.counters.datagrams).toBe(0);
  });

  it('shows the end of a failed build even when it is told to be quiet', async () => {
    const cwd = await tempDir();
    const device = await quickDevice();
    const script = 'console.log("compiling"); console.error("main.cpp:3: error"); process.exit(3)';
    const build = { command: [process.execPath, '-e', script], image: 'x.bin' };
    await writeOtarc(cwd, { hall: { at: device } }, { build });
    const { exitCode, stderr } = await otarc(['deploy', '-q'], { cwd });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('main.cpp:3: error');
    const fine = await otarc(['push', '-q', '--file', 'x.bin', '--dry-run'], { cwd });
    expect(fine.stderr).toContain('IMAGE_NOT_FOUND');
  });
});
