import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { imageFile } from '../support/image-file.ts';
import { addressOf, isPlain, otarc, quickDevice } from '../support/otarc.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Gives a command a terminal of so many columns, and prints what it sees, byte for byte. */
const inTerminal = (columns: number): string => `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 30, ${columns}, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** The escape character as something that a regular expression may hold. */
const visible = (text: string): string => text.replaceAll('\x1b', '␛');

const python = await execa('python3', ['-c', 'import pty'], { reject: false });
const hasPty = python.exitCode === 0;

async function scene({ msPerSector = 0 } = {}) {
  const dir = await tempDir();
  const device = await quickDevice({ flash: { msPerSector } });
  await imageFile(dir, { sizeBytes: msPerSector > 0 ? 240_000 : 80_000 });
  return { dir, device, args: ['push', addressOf(device), '--file', 'firmware.bin'] };
}

describe.skipIf(!hasPty)('on a terminal', () => {
  const run = async (dir: string, args: string[], env: NodeJS.ProcessEnv = {}, columns = 100) => {
    const script = join(dir, 'terminal.py');
    await writeFile(script, inTerminal(columns));
    const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`;
    const options = { cwd: dir, env: { HOME: dir, PATH, TERM: 'xterm-256color', ...env }, extendEnv: false };
    const { stdout } = await execa('python3', [script, (await packed()).bin, ...args], options);
    return visible(stdout);
  };

  it('progress is one line that is drawn again, and the result is green', async () => {
    const { dir, args } = await scene({ msPerSector: 55 });
    const shown = await run(dir, args);
    const drawn = shown.match(/\r␛\[2K[^\r\n]*\[[█░]{24}\] {1,3}\d+ %, [^\r\n]*/g) ?? [];
    expect(drawn.length).toBeGreaterThan(3);
    expect(Math.max(...drawn.map((line) => line.replace('\r␛[2K', '').length))).toBeLessThan(100);
    const percents = drawn.map((line) => Number(/(\d+) %/.exec(line)?.[1]));
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(shown).toMatch(/␛\[32mpushed to .*␛\[39m/);
    // What is left on the screen: every line that was drawn was wiped, and nothing stands behind it.
    const last = shown.lastIndexOf('█');
    expect(shown.slice(last)).toMatch(/^[^\n]*\r␛\[2K/);
  });

  it('progress on 40 columns is words, each of them whole, and no bar', async () => {
    const { dir, args } = await scene({ msPerSector: 55 });
    const shown = await run(dir, args, {}, 40);
    const drawn = shown.match(/(?<=\r␛\[2K)[^\r\n]*\d+ %[^\r\n]*/g) ?? [];
    expect(drawn.length).toBeGreaterThan(3);
    for (const line of drawn) {
      expect(line).toMatch(
        / \d+ %(, [\d,]+ of [\d,]+ KiB)?(, [\d,]+ KiB\/s)?(, \d+ s left|, being checked)?$/,
      );
      expect(line.length).toBeLessThan(40);
    }
    expect(shown).not.toContain('█');
  });

  it.each([
    { args: ['--no-color'], env: {} },
    { args: [], env: { NO_COLOR: '1' } },
  ])('no colour is shown with $args $env', async ({ args: more, env }) => {
    const { dir, args } = await scene();
    const shown = await run(dir, [...args, ...more], env);
    expect(shown).toContain('pushed to');
    expect(shown).not.toMatch(/␛\[\d+m/);
  });
});

describe('in a pipe', () => {
  it('there is no control character, and progress is not repeated', async () => {
    const { dir, args } = await scene({ msPerSector: 55 });
    for (const more of [[], ['-v']]) {
      const run = await otarc([...args, ...more], { cwd: dir });
      expect(run.exitCode).toBe(0);
      expect(isPlain(run.stdout + run.stderr)).toBe(true);
      expect(run.stdout.split('\n')).toHaveLength(2);
      expect(run.stderr).not.toContain('█');
    }
  });

  it('colours are for those who force them', async () => {
    const { dir, args } = await scene();
    const run = await otarc(args, { cwd: dir, env: { HOME: dir, FORCE_COLOR: '1' } });
    expect(visible(run.stdout)).toMatch(/^␛\[32mpushed to .*␛\[39m\n$/);
    const refused = await otarc([...args, '--no-color'], { cwd: dir, env: { HOME: dir, FORCE_COLOR: '1' } });
    expect(isPlain(refused.stdout + refused.stderr)).toBe(true);
  });

  it('-q says nothing at all when all is well, and the error when it is not', async () => {
    const { dir, device, args } = await scene();
    expect(await otarc([...args, '-q'], { cwd: dir })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    device.faults.failsMd5 = true;
    const failed = await otarc([...args, '-q'], { cwd: dir });
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
    expect(failed.stderr).toMatch(/^error IMAGE_REJECTED: .*\n {2}→ .*\n$/);
  });
});
