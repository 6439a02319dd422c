/** The command that runs after each deploy: a serial or a network monitor, most often. One at a time. */

import { runProcess } from '../build/process.ts';
import { messageOf } from '../errors.ts';

export interface Reached {
  readonly device: string;
  readonly address: string;
  /** Variables that hold passwords: no business of a monitor. */
  readonly secretVariables: readonly string[];
}

export interface AfterDeploy {
  /** Ends the one that still runs, with all its processes, and starts it anew. */
  start(reached: Reached): void;
  close(): Promise<void>;
}

export interface AfterDeployOptions {
  /** `{device}` and `{address}` in a word stand for what was deployed to. */
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly output: NodeJS.WritableStream;
  readonly warn: (message: string) => void;
}

export function createAfterDeploy(options: AfterDeployOptions): AfterDeploy {
  const { words, cwd, env, output, warn } = options;
  let running: Promise<void> = Promise.resolve();
  let current = new AbortController();
  let isClosed = false;

  const run = async ({ device, address, secretVariables }: Reached, signal: AbortSignal): Promise<void> => {
    const [file = '', ...args] = words.map((word) =>
      word.replaceAll('{device}', device).replaceAll('{address}', address),
    );
    try {
      const end = await runProcess(
        { file, args, cwd },
        {
          env: { ...withoutPasswords(env, secretVariables), OTARC_DEVICE: device, OTARC_ADDRESS: address },
          signal,
          read: (...pipes) => pipes.forEach((pipe) => pipe.pipe(output, { end: false })),
        },
      );
      if (end.type === 'not-started') warn(`\`${file}\` cannot be run: ${messageOf(end.cause)}`);
      else if (end.exitCode !== 0)
        warn(`\`${[file, ...args].join(' ')}\` ended with exit code ${end.exitCode}.`);
    } catch (error) {
      // Ended by us.
      if (!signal.aborted) throw error;
    }
  };

  return {
    start(reached) {
      if (isClosed) return;
      current.abort();
      const mine = new AbortController();
      current = mine;
      running = running.then(() => (mine.signal.aborted ? undefined : run(reached, mine.signal)));
    },
    async close() {
      isClosed = true;
      current.abort();
      await running;
    },
  };
}

function withoutPasswords(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  // Windows does not tell upper case from lower case.
  const hidden = new Set(names.map((name) => name.toLowerCase()));
  const isPassword = (name: string): boolean =>
    hidden.has(name.toLowerCase()) || /^OTARC_PASSWORD/i.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isPassword(name)));
}
