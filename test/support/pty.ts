/** A command in a terminal of its own, with somebody at its keyboard. Python's pty: no package, no addon. */

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';
import { packed } from './packed.ts';

/** Prints what the terminal shows, types what it reads, and says when asked, and at the end, in which mode it is. */
const script = `
import fcntl, os, select, struct, subprocess, sys, termios
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, int(os.environ.get("COLUMNS", "100")), 0, 0))

def own_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

def say(text):
    sys.stdout.buffer.write(text if isinstance(text, bytes) else text.encode())
    sys.stdout.flush()

def mode():
    flags = termios.tcgetattr(slave)[3]
    return "cooked" if flags & termios.ICANON and flags & termios.ECHO else "raw"

child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)
say("[[pid %d]]" % child.pid)
inputs = [master, 0]
while True:
    ready = select.select(inputs, [], [], 0.05)[0]
    if master in ready:
        say(os.read(master, 65536))
    elif child.poll() is not None:
        break
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed == b"":
            inputs.remove(0)
        elif typed == b"?":
            say("[[mode %s]]" % mode())
        else:
            os.write(master, typed)
say("[[left %s]]" % mode())
sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)
`;

export interface TerminalEnd {
  readonly exitCode: number | undefined;
  readonly text: string;
  readonly left: string | undefined;
}

export interface Terminal {
  readonly pid: number;
  /** Presses keys. */
  type(keys: string): void;
  /** Resolves with what was shown behind the last match, up to this one; escape characters as `␛`. */
  shows(pattern: RegExp): Promise<string>;
  /** Whether it reads single keys just now. */
  mode(): Promise<string>;
  readonly ended: Promise<TerminalEnd>;
}

const python = await execa('python3', ['-c', 'import pty, termios'], { reject: false });
export const hasPty = python.exitCode === 0 && process.platform === 'linux';

interface Options {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Default: 100. */
  readonly columns?: number;
}

/** The packed `otarc` on a terminal. */
export async function otarcOnTerminal(args: readonly string[], options: Options): Promise<Terminal> {
  const { bin } = await packed();
  return onTerminal([bin, ...args], options);
}

export async function onTerminal(
  command: readonly string[],
  { cwd, env = {}, columns = 100 }: Options,
): Promise<Terminal> {
  const file = join(cwd, 'terminal.py');
  await writeFile(file, script);
  const PATH = `${dirname(process.execPath)}:${env['PATH'] ?? process.env['PATH']}`;
  const child = execa('python3', [file, ...command], {
    cwd,
    env: { HOME: cwd, TERM: 'xterm-256color', COLUMNS: String(columns), ...env, PATH },
    extendEnv: false,
    reject: false,
    stdin: 'pipe',
    timeout: 28_000,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  let readTo = 0;
  let look = (): void => {};
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString().replaceAll('\u001B', '␛');
    look();
  });
  const shows = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      look = () => {
        const match = pattern.exec(text.slice(readTo));
        if (match === null) return;
        const shown = text.slice(readTo, readTo + match.index + match[0].length);
        readTo += shown.length;
        look = () => {};
        resolve(shown);
      };
      void child.then(() => reject(new Error(`It ended without showing ${pattern}: ${text}`)));
      look();
    });
  const [, pid = '0'] = /\[\[pid (\d+)\]\]/.exec(await shows(/\[\[pid \d+\]\]/)) ?? [];
  return {
    pid: Number(pid),
    type: (keys) => void child.stdin.write(keys),
    shows,
    async mode() {
      child.stdin.write('?');
      const shown = await shows(/\[\[mode \w+\]\]/);
      return /\[\[mode (\w+)\]\]/.exec(shown)?.[1] ?? '';
    },
    ended: child.then(({ exitCode }) => ({ exitCode, text, left: /\[\[left (\w+)\]\]/.exec(text)?.[1] })),
  };
}
