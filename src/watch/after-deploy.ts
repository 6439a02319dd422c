/** The command that runs after each deploy: a serial or a network monitor, most often. One at a time. */

import { runProcess } from '../build/process.ts';
import { messageOf } from '../errors.ts';

export interface Deployed {
  readonly device: string;
  readonly address: string;
}

export interface AfterDeploy {
  /** Ends the one that still runs, with all its processes, and starts it anew. */
  start(deployed: Deployed): void;
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

  const run = async ({ device, address }: Deployed, signal: AbortSignal): Promise<void> => {
    const [file = '', ...args] = words.map((word) =>
      word.replaceAll('{device}', device).replaceAll('{address}', address),
    );
    try {
      const end = await runProcess(
        { file, args, cwd },
        {
          env: { ...withoutPasswords(env), OTARC_DEVICE: device, OTARC_ADDRESS: address },
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
    start(deployed) {
      if (isClosed) return;
      current.abort();
      const mine = new AbortController();
      current = mine;
      running = running.then(() => (mine.signal.aborted ? undefined : run(deployed, mine.signal)));
    },
    async close() {
      isClosed = true;
      current.abort();
      await running;
    },
  };
}

function withoutPasswords(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^OTARC_PASSWORD/i.test(name)));
}
