/** `otarc watch`: deploys on save, until it is ended. */

import { openTerminal, type WatchTerminal } from '../terminal/watch-terminal.ts';
import { logLinesTo } from '../terminal/log-lines.ts';
import { printLine } from '../terminal/print.ts';
import { browse } from '../../network/browse.ts';
import type { DeployEvent } from '../../model/events.ts';
import type { DeployProjectOptions } from '../../deploy/deploy-project.ts';
import { createAfterDeploy, type AfterDeploy } from '../../watch/after-deploy.ts';
import { watchProject } from '../../watch/watch-project.ts';
import { toWords } from '../../watch/words.ts';
import type { DeployLogs } from './deploy-logs.ts';
import { reporterFor, type OutputOptions } from './deploy.ts';
import { withStreams, type Io } from './io.ts';
import { followListener } from './listener-gone.ts';

export interface WatchOptions extends Omit<DeployProjectOptions, 'output' | 'source' | 'file'> {
  readonly output: OutputOptions;
  /** False: `--no-build`. */
  readonly build: boolean;
  readonly once: boolean;
  readonly poll: boolean;
  readonly notify: boolean;
  /** What the devices print, from their first deploy on. */
  readonly logs?: boolean;
  /** After each deploy: words, no shell. */
  readonly exec?: string | undefined;
}

/** For `--once --no-build` in a script: no build takes longer to complete an image. */
const idleLimitMs = 10 * 60_000;

/** Resolves to the exit code, when a person, a signal or `--once` has ended it. */
export async function watchCommand(options: WatchOptions, io: Io): Promise<number> {
  const { output, build, once, poll, notify, exec } = options;
  const words = exec === undefined ? undefined : toWords(exec);
  // A terminal that is looked at: not for `--json`, and not for one push that nobody waits for.
  const isShown = !output.json && output.verbosity !== 'quiet' && !once;
  const terminal: WatchTerminal | undefined = isShown
    ? openTerminal(io, { notify, color: output.color })
    : undefined;
  const shown: Io = terminal === undefined ? io : withStreams(io, terminal);
  let reporter = reporterFor(output, shown, terminal?.screen);
  let after: AfterDeploy | undefined;
  let logs: DeployLogs | undefined;
  const addresses = new Map<string, string>();
  let isQuit = false;

  const following = followListener(io, { finishes: ['firmware', 'filesystem'], withParent: false });
  const tell = (event: DeployEvent): void => {
    following.saw(event);
    // What was said of the last run may be said again of this one.
    if (event.type === 'run-started') reporter = reporterFor(output, shown, terminal?.screen);
    if (event.type === 'device-located') addresses.set(event.device ?? '', event.address);
    logs?.tell(event);
    isQuit ||= isOfQuit(event);
    const isTold = output.verbosity === 'verbose' || !isBetweenTheLines(event);
    if (output.json || (isTold && !isQuit)) reporter.tell(event);
    terminal?.tell(event);
  };
  if (options.logs === true) {
    const aside = terminal?.aside ?? (output.json ? shown.stderr : shown.stdout);
    const { startDeployLogs } = await import('./deploy-logs.ts');
    logs = startDeployLogs({
      io,
      print: logLinesTo(aside),
      note: (text) => printLine(terminal?.aside ?? shown.stderr, text),
    });
  }
  if (words !== undefined) {
    after = createAfterDeploy({
      words,
      cwd: options.flags?.cwd ?? io.cwd,
      env: io.env,
      output: terminal?.aside ?? shown.stderr,
      warn: (message) => tell({ type: 'log', level: 'warn', message, at: new Date().toISOString() }),
    });
  }
  try {
    const exitCode = await watchProject({
      ...options,
      build,
      once,
      poll,
      sinceMs: performance.timeOrigin,
      // A person who waits can end it; a script cannot.
      idleLimitMs: io.stdin.isTTY === true ? undefined : idleLimitMs,
      showBuild: output.verbosity === 'verbose',
      browse,
      onEvent: tell,
      onStart: (controls) => terminal?.start(controls),
      onProject: ({ config, devices }) => logs?.use(config, devices),
      onState: (state) => terminal?.show(state),
      onDeployed({ devices, secretVariables }) {
        const deployed = devices.map((device) => ({ device, address: addresses.get(device) ?? '' }));
        after?.start(deployed, secretVariables);
      },
      signal: following.signal,
      env: io.env,
      get stdin() {
        return io.stdin;
      },
      output: shown.stderr,
    });
    // A script that deploys once wants to see what comes of the command, too.
    if (once && !following.signal.aborted) await after?.ended(following.signal);
    return exitCode;
  } finally {
    await after?.close();
    await logs?.close();
    terminal?.close();
  }
}

/**
 * What the result of a run says as well: a save has its line, a build has one, and the result. A file system is named, as
 * the result looks like that of firmware.
 */
function isBetweenTheLines(event: DeployEvent): boolean {
  if (event.type === 'image-ready') return event.kind === 'firmware';
  return event.type === 'build-finished' || event.type === 'accepted';
}

/** Whoever has pressed `q` knows why it ends. */
function isOfQuit(event: DeployEvent): boolean {
  return event.type === 'failed' && event.details['reason'] === 'quit';
}
