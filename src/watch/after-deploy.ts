/** The command that runs after each deploy: a serial or a network monitor, most often. One at a time for each device. */

import { passOn, runProcess } from '../builders/process.ts';
import { childEnvironment } from '../model/child-environment.ts';
import { messageOf } from '../model/errors.ts';
import { redactedWords } from '../model/redaction.ts';
import { aborted } from './wait.ts';

export interface Reached {
  readonly device: string;
  readonly address: string;
}

export interface AfterDeploy {
  /**
   * Ends those of these devices that still run, with all their processes, and starts them anew. `secretVariables` hold
   * passwords: no business of a monitor.
   */
  start(reached: readonly Reached[], secretVariables: readonly string[]): void;
  /** When those that run have ended by themselves, or the signal is aborted. */
  ended(signal: AbortSignal): Promise<void>;
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
  const all = new Map<string, { readonly running: Promise<void>; readonly controller: AbortController }>();
  let isClosed = false;

  const run = async (
    { device, address }: Reached,
    { secretVariables, signal }: { secretVariables: readonly string[]; signal: AbortSignal },
  ): Promise<void> => {
    const [file = '', ...args] = words.map((word) =>
      word.replaceAll('{device}', device).replaceAll('{address}', address),
    );
    try {
      const end = await runProcess(
        { file, args, cwd },
        {
          env: {
            ...childEnvironment(env, { secretVariables, texts: words }),
            OTARC_DEVICE: device,
            OTARC_ADDRESS: address,
          },
          signal,
          read: (...pipes) => passOn(pipes, output),
        },
      );
      if (end.type === 'not-started') warn(`\`${file}\` cannot be run: ${messageOf(end.cause)}`);
      else if (end.exitCode !== 0)
        warn(`\`${redactedWords([file, ...args]).join(' ')}\` ended with exit code ${end.exitCode}.`);
    } catch (error) {
      // Ended by us.
      if (!signal.aborted) throw error;
    }
  };

  const allEnded = (): Promise<unknown> => Promise.all([...all.values()].map(({ running }) => running));
  return {
    start(reached, secretVariables) {
      if (isClosed) return;
      for (const each of reached) {
        const before = all.get(each.device);
        before?.controller.abort();
        const controller = new AbortController();
        const { signal } = controller;
        const running = Promise.resolve(before?.running).then(() =>
          signal.aborted ? undefined : run(each, { secretVariables, signal }),
        );
        all.set(each.device, { running, controller });
      }
    },
    async ended(signal) {
      await Promise.race([allEnded(), aborted(signal)]);
    },
    async close() {
      isClosed = true;
      for (const { controller } of all.values()) controller.abort();
      await allEnded();
    },
  };
}
