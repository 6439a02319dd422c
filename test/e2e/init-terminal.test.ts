import { writeFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../support/folder-state.ts';
import { otarc, startOtarc } from '../support/otarc.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Gives a command a terminal, types into it what is to be typed as soon as it has said what is waited for, prints what it sees. */
const typist = `
import fcntl, json, os, pty, re, signal, struct, sys, termios
steps = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
seen, at = b"", 0
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    while steps:
        found = re.search(steps[0][0].encode(), seen[at:], re.S)
        if not found:
            break
        at += found.end()
        answer = steps.pop(0)[1]
        if answer.startswith("SIG"):
            os.kill(pid, getattr(signal, answer))
        else:
            os.write(fd, answer.encode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if not steps else 99)
`;

const python = await execa('python3', ['-c', 'import pty'], { reject: false });

const enter = '\r';
const down = '\u001B[B';
const space = ' ';

async function scene() {
  const root = await tempDir();
  const dir = join(root, 'p');
  await mkdir(dir);
  await writeFile(join(root, 'typist.py'), typist);
  await writeFile(join(dir, 'platformio.ini'), '[env:d1]\nboard = d1_mini\n');
  const before = await stateOf(dir);
  const run = async (steps: readonly (readonly [wait: string, type: string])[], ...args: string[]) => {
    const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`;
    const env = { HOME: root, PATH, TERM: 'xterm-256color', NO_COLOR: '1' };
    const command = [join(root, 'typist.py'), JSON.stringify(steps), (await packed()).bin, 'init', ...args];
    const options = { cwd: dir, env, extendEnv: false, reject: false, timeout: 25_000 } as const;
    const { exitCode, stdout } = await execa('python3', command, options);
    return { exitCode, shown: stdout };
  };
  return { dir, before, run };
}

describe.skipIf(python.exitCode !== 0)('otarc init on a terminal', () => {
  it('asks for device, password and hooks, shows what it will write, and writes it', async () => {
    const { dir, before, run } = await scene();
    const { exitCode, shown } = await run(
      [
        ['Which one is it', enter],
        ['Its name or address', `nonsense/here${enter}`],
        ['A name, an address', `${'\u007F'.repeat(13)}livingroom=192.0.2.7:8266${enter}`],
        ['Where is its password', `${enter}`],
        ['What should start otarc', `${down}${down}${space}${enter}`],
        ['Write these \\d files', enter],
      ],
      '--no-scan',
    );
    expect(exitCode).toBe(0);
    expect(shown).toContain('+    host: 192.0.2.7');
    expect(shown).toContain('Next:');
    expect(Object.keys(await stateOf(dir))).toEqual([
      '.otarc',
      '.vscode',
      '.vscode/tasks.json',
      'otarc.py',
      'platformio.ini',
    ]);
    expect(await readFile(join(dir, '.otarc'), 'utf8')).toContain(
      '  livingroom:\n    host: 192.0.2.7\n    port: 8266\n',
    );

    const removed = await run([['Change these 4 files back', enter]], '--remove');
    expect(removed.exitCode).toBe(0);
    expect(await stateOf(dir)).toEqual(before);
  });

  it('never shows a password that is typed', async () => {
    const { dir, run } = await scene();
    const { exitCode, shown } = await run(
      [
        ['Where is its password', `\u001B[A\u001B[A${enter}`],
        ['The password', `geheim${enter}`],
        ['What should start otarc', enter],
        ['Write these 5 files', enter],
      ],
      '--no-scan',
      '--device',
      'livingroom',
    );
    expect(exitCode).toBe(0);
    expect(shown).not.toContain('geheim');
    expect(shown).toContain('••••••');
    expect(await readFile(join(dir, '.otarc.env'), 'utf8')).toContain('\nLIVINGROOM_PW=geheim\n');
  });

  it('writes nothing when that is the answer', async () => {
    const { dir, before, run } = await scene();
    const steps = [
      ['Where is its password', enter],
      ['What should start otarc', enter],
      ['Write these 3 files', `n`],
    ] as const;
    const { exitCode, shown } = await run(steps, '--no-scan', '--device', 'livingroom');
    expect(exitCode).toBe(0);
    expect(shown).toContain('Nothing was written.');
    expect(await stateOf(dir)).toEqual(before);
  });

  it.each([
    ['Ctrl-C', '\u0003', 130],
    ['SIGTERM', 'SIGTERM', 143],
  ])('writes nothing when %s comes, whatever was answered until then', async (_name, answer, status) => {
    const { dir, before, run } = await scene();
    const answers = [
      ['Where is its password', enter],
      ['What should start otarc', enter],
      ['Write these 3 files', ''],
    ] as const;
    for (const [index, [wait]] of answers.entries()) {
      const steps = [...answers.slice(0, index), [wait, answer] as const];
      const { exitCode, shown } = await run(steps, '--no-scan', '--device', 'livingroom');
      expect({ exitCode, wait }).toEqual({ exitCode: status, wait });
      expect(shown).toContain('error CANCELLED');
      expect(await stateOf(dir)).toEqual(before);
    }
  });
});

describe('otarc init without a terminal', () => {
  it('asks nothing: it wants --yes, or shows what it would do', async () => {
    const { dir, before } = await scene();
    const refused = await otarc(['init', '--no-scan'], { cwd: dir });
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toBe(
      'error USAGE: There is no terminal to ask on.\n  → Give --yes to take the defaults, or --dry-run to see what they come to.\n',
    );
    const args = ['init', '--no-scan', '--dry-run', '--device', 'livingroom'];
    const shown = await otarc(args, { cwd: dir });
    expect(shown).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('+upload_protocol = custom\n'),
    });
    expect(await stateOf(dir)).toEqual(before);
  });

  it.each([
    [['--device', 'a/b'], '"a/b" names no device.'],
    [['--hook', 'pioo'], 'There is no hook "pioo".'],
    [['-C', 'nowhere'], 'There is no folder '],
    [['--password-file', 'nowhere', '--device', 'a'], 'SECRET_UNAVAILABLE'],
    [['--remove', '--hook', 'pio'], '`--remove` takes out everything'],
    [['-e', 'd2'], 'has no environment d2.'],
    [['extra'], 'too many arguments'],
  ])('%j is refused with status 2', async (args, words) => {
    const { dir, before } = await scene();
    const { exitCode, stderr } = await otarc(['init', '--yes', '--no-scan', ...args], { cwd: dir });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
    expect(await stateOf(dir)).toEqual(before);
  });

  it('is ended in order while it listens to the network', async () => {
    const { dir, before } = await scene();
    const env = { HOME: dir, OTARC_INTERFACE: '127.0.0.1' };
    const running = await startOtarc(['init', '--yes'], { cwd: dir, env });
    await running.said(/Listening for devices/);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ exitCode: 130 });
    expect(await stateOf(dir)).toEqual(before);
  });
});
