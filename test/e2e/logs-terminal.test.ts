/** What devices print on a terminal of 80 columns, during `watch --logs` and after `deploy --logs`. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startVirtualDevice, type VirtualDevice } from '../../src/simulator/index.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { writeOtarc } from '../support/otarc.ts';
import { hasPty, otarcOnTerminal } from '../support/pty.ts';
import { tempDir } from '../support/temp-dir.ts';

async function talker(name: string, { msPerSector = 5 } = {}): Promise<VirtualDevice> {
  const device = await startVirtualDevice({
    model: 'esp8266',
    port: 0,
    name,
    announce: false,
    logs: { tcpPort: 0, everyMs: 200 },
    flash: { msPerSector },
    timing: { rebootMs: 700 },
  });
  onTestFinished(() => device.close());
  return device;
}

const logsOf = ({ logPort }: VirtualDevice): string => `tcp://{address}:${logPort}`;

async function scene({ kitchenMsPerSector = 5 } = {}) {
  const dir = await tempDir();
  const [lamp, kitchen] = [
    await talker('lamp'),
    await talker('kitchen', { msPerSector: kitchenMsPerSector }),
  ];
  await mkdir(join(dir, 'src'));
  const save = (seed: number): Promise<void> =>
    writeFile(join(dir, 'src', 'image'), makeEsp8266Image({ sizeBytes: 20_000, seed }));
  await save(1);
  const build = { command: ['cp', 'src/image', 'firmware.bin'], image: 'firmware.bin' };
  const devices = {
    lamp: { at: lamp, logs: logsOf(lamp) },
    kitchen: { at: kitchen, logs: logsOf(kitchen) },
  };
  await writeOtarc(dir, devices, { build });
  return { dir, lamp, kitchen, save };
}

describe.skipIf(!hasPty)('on a terminal of 80 columns', () => {
  it('watch --logs reads from its start, over each deploy, above the status line, until Ctrl-C', async () => {
    const { dir, lamp, save } = await scene();
    const terminal = await otarcOnTerminal(['watch', '--all', '--logs'], { cwd: dir, columns: 80 });
    // Before the first push.
    expect(await terminal.shows(/lamp {4}\| counter \d+/)).not.toContain('deployed');
    await terminal.shows(/pushed to lamp, kitchen/);
    await terminal.shows(/lamp {4}\| boot: software\r\n[^]*lamp {4}\| sketch: [^]*lamp {4}\| ready/);
    await terminal.shows(/lamp {4}\| counter 5\r\n[^]*watching/);
    await save(2);
    await terminal.shows(/pushed to lamp, kitchen/);
    await terminal.shows(/lamp {4}\| boot: software\r\n[^]*lamp {4}\| ready[^]*lamp {4}\| counter 5\r\n/);
    expect(lamp.updates).toHaveLength(2);
    terminal.type('\u0003');
    const { text, exitCode, left } = await terminal.ended;
    expect({ exitCode, left }).toEqual({ exitCode: 130, left: 'cooked' });
    // A line of a device never stands behind the status.
    expect(text).not.toMatch(/h for help(?!␛)[^\r\n␛]*\|/);
  });

  it('watch --logs reads what a changed configuration says', async () => {
    const { dir, lamp, kitchen } = await scene();
    const terminal = await otarcOnTerminal(['watch', '--all', '--logs'], { cwd: dir, columns: 80 });
    await terminal.shows(/pushed to lamp, kitchen/);
    await terminal.shows(/lamp {4}\| counter 3\r\n/);
    const text = await readFile(join(dir, '.otarc'), 'utf8');
    await writeFile(join(dir, '.otarc'), text.replace(logsOf(lamp), 'serial'));
    await terminal.shows(/lamp: `logs: serial` needs a terminal of its own: run `otarc logs lamp` in/);
    await writeFile(join(dir, '.otarc'), text.replace(logsOf(lamp), logsOf(kitchen)));
    await terminal.shows(/lamp {4}\| wifi: connected as kitchen/);
    terminal.type('q');
    expect((await terminal.ended).exitCode).toBe(0);
  });

  it('deploy --logs begins with the first lines of the new sketch, and Ctrl-C ends it', async () => {
    const { dir } = await scene();
    const terminal = await otarcOnTerminal(['deploy', 'lamp', '--logs'], { cwd: dir, columns: 80 });
    const shown = await terminal.shows(/counter 3\r\n/);
    expect(shown).toMatch(
      /pushed to lamp in [^\r]*\r\n(?:␛\[2K)?boot: software\r\nsketch: md5 \w+, run \w+\r\nwifi: connected as lamp\r\nready\r\n/,
    );
    terminal.type('\u0003');
    expect(await terminal.ended).toMatchObject({ exitCode: 130, left: 'cooked' });
  });

  it('deploy --logs prints above the progress of a device that is still written to', async () => {
    const { dir } = await scene({ kitchenMsPerSector: 900 });
    const terminal = await otarcOnTerminal(['deploy', '--all', '--logs'], { cwd: dir, columns: 80 });
    const shown = await terminal.shows(/pushed to lamp, kitchen/);
    terminal.type('\u0003');
    expect(await terminal.ended).toMatchObject({ exitCode: 130, left: 'cooked' });
    // Its progress is drawn again below the lines of the other one, and none of them stands behind it.
    expect(shown).toMatch(/lamp {4}\| counter \d+\r\n\r?␛\[2K *kitchen[^\r\n]* %/);
    expect(shown).not.toMatch(/%[^\r\n␛]*lamp {4}\|/);
  });
});
