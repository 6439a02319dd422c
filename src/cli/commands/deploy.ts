/** `otarc deploy` and `otarc push`: the same run, and only `deploy` builds first. */

import { appendFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { isColored, type ColorChoice } from '../terminal/color.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import { canRedraw, createScreen, type Screen } from '../terminal/screen.ts';
import { messageOf, OtaError } from '../../model/errors.ts';
import type { DeployEvent } from '../../model/events.ts';
import { deployProject, type DeployProjectOptions } from '../../deploy/deploy-project.ts';
import { createJsonWriter, createWriter, type Reporter } from '../report/writer.ts';
import type { DeployLogs } from './deploy-logs.ts';
import { withStreams, type Io } from './io.ts';
import { followListener } from './listener-gone.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly verbosity: 'quiet' | 'normal' | 'verbose';
  readonly color: ColorChoice;
  /** Absolute path of a file that every event is appended to, for a bug report. */
  readonly debugLog?: string | undefined;
}

/** Resolves to the exit code; what went wrong was told by then. */
export async function deployCommand(
  wanted: Omit<DeployProjectOptions, 'output'> & {
    readonly output: OutputOptions;
    /** Goes on to what the devices print. */
    readonly logs?: boolean;
  },
  io: Io,
): Promise<number> {
  const screen = wanted.output.json ? undefined : screenOf(io, wanted.output.color);
  // What devices print goes above the progress of those that are still written to.
  const shown = screen !== undefined && wanted.logs === true ? aboveScreen(io, screen) : io;
  const reporter = reporterFor(wanted.output, shown, screen);
  const output = wanted.output.verbosity === 'quiet' ? await nowhere() : shown.stderr;
  const isHook = wanted.hook === true;
  const pulse = isHook ? startPulse(reporter, io) : undefined;
  const following = isHook ? followListener(io, { finishes: ['filesystem'], withParent: true }) : undefined;
  const logs = wanted.logs === true ? await openDeployLogs(wanted, shown) : undefined;
  const { exitCode } = await deployProject({
    ...wanted,
    onEvent: (event) => {
      pulse?.told();
      following?.saw(event);
      reporter.tell(event);
      logs?.tell(event);
    },
    signal: following?.signal ?? io.signal,
    env: io.env,
    get stdin() {
      return io.stdin;
    },
    output,
  }).finally(() => {
    pulse?.stop();
    following?.stop();
  });
  if (logs === undefined) return exitCode;
  try {
    return await logs.goOn(exitCode);
  } finally {
    await logs.close();
    screen?.close();
  }
}

/** With `--json` stdout carries events alone. */
async function openDeployLogs(
  {
    flags = {},
    targets = [],
    all = false,
    output,
  }: Pick<DeployProjectOptions, 'flags' | 'targets' | 'all'> & { readonly output: OutputOptions },
  io: Io,
): Promise<DeployLogs> {
  const { startDeployLogs } = await import('./deploy-logs.ts');
  const { logLinesTo } = await import('../terminal/log-lines.ts');
  const stream = output.json ? io.stderr : io.stdout;
  return startDeployLogs({
    deploy: { flags, targets, all },
    io,
    print: logLinesTo(stream),
    note: (text) => printLine(io.stderr, text),
  });
}

/** Of a hook that has nothing to tell for a while. */
const pulseMs = 3000;

/**
 * A device may count nothing until its end, and a hook whose build tool has gone sees that by a closed pipe only, at its
 * next line. So there is a line every few seconds.
 */
function startPulse(reporter: Reporter, { stderr }: Io): { told: () => void; stop: () => void } | undefined {
  if (stderr.isTTY === true) return undefined;
  const tell = (): void =>
    reporter.tell({ type: 'log', level: 'info', message: 'still running …', at: new Date().toISOString() });
  const timer = setInterval(tell, pulseMs).unref();
  return { told: () => void timer.refresh(), stop: () => clearInterval(timer) };
}

/** A run of nothing, and why, for who reads events as for who reads lines. */
export function deployNothing(message: string, output: OutputOptions, io: Io): number {
  const reporter = reporterFor(output, io);
  const at = (): string => new Date().toISOString();
  reporter.tell({ type: 'run-started', schema: 1, at: at() });
  reporter.tell({ type: 'log', level: 'info', message, at: at() });
  const none = { deployed: [], skipped: [], failed: [] };
  reporter.tell({ type: 'done', ok: true, ...none, durationMs: 0, exitCode: 0, at: at() });
  return 0;
}

/** Errors only: of a failed build its last lines, which the failure itself carries. */
async function nowhere(): Promise<Writable> {
  const { Writable } = await import('node:stream');
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function aboveScreen(io: Io, screen: Screen): Io {
  const { stdout, stderr } = io;
  return withStreams(io, {
    stdout: stdout.isTTY === true ? screen.above(stdout) : stdout,
    stderr: screen.above(stderr),
  });
}

function screenOf({ stderr, env }: Io, color: ColorChoice): Screen | undefined {
  return canRedraw(stderr, env) ? createScreen(stderr, isColored(color, stderr)) : undefined;
}

/**
 * `screen`: of the terminal of stderr, where it has one already.
 *
 * @throws {OtaError} `USAGE`: the file of `--debug-log` cannot be written
 */
export function reporterFor(
  { json, verbosity, color, debugLog }: OutputOptions,
  io: Io,
  screen = screenOf(io, color),
): Reporter {
  const { stdout, stderr } = io;
  const reporter = json
    ? createJsonWriter(stdout)
    : createWriter({ stdout, stderr, screen, verbosity, color, now: () => performance.now() });
  return debugLog === undefined ? reporter : withLog(reporter, debugLog);
}

/**
 * Line by line, at once: a log for a bug report is needed most where otarc does not come to its end. A disk that is full
 * in the midst of it must not end an update: the log ends there.
 */
function withLog(reporter: Reporter, path: string): Reporter {
  let isOpen = true;
  try {
    appendFileSync(path, '');
  } catch (cause) {
    throw new OtaError('USAGE', `${path} cannot be written: ${messageOf(cause)}`, {
      hint: 'Name another file for --debug-log.',
      cause,
    });
  }
  const write = (event: DeployEvent): void => {
    try {
      appendFileSync(path, `${jsonText(event)}\n`);
    } catch (cause) {
      isOpen = false;
      const message = `${path} ends here, as it cannot be written any more: ${messageOf(cause)}`;
      reporter.tell({ type: 'log', level: 'warn', message, at: event.at });
    }
  };
  return {
    tell(event) {
      if (isOpen) write(event);
      reporter.tell(event);
    },
  };
}
