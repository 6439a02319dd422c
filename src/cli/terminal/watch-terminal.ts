/** The terminal of a person who watches: status line, keys, and a notification at the end of a run. */

import type { DeployEvent } from '../../model/events.ts';
import { printable } from '../../model/printable.ts';
import type { Controls, Shown } from '../../watch/options.ts';
import { createKeyboard } from './keyboard.ts';
import { canReadKeys, readKeys, type Keys } from './keys.ts';
import { isColored, type ColorChoice } from './color.ts';
import { canRedraw, createScreen, type Screen, type TerminalStream } from './screen.ts';
import { statusText, type LastResult } from './status.ts';

interface Streams {
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
}

export interface WatchTerminal {
  /** To be written to in place of the streams, which have a status line now. */
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  /** For what is printed beside the run. */
  readonly aside: TerminalStream;
  /** What the progress is drawn on. */
  readonly screen: Screen;
  start(controls: Controls): void;
  show(state: Shown): void;
  tell(event: DeployEvent): void;
  /** Leaves the terminal as it was found. */
  close(): void;
}

export interface WatchTerminalOptions {
  /** A notification of the terminal (OSC 9) at the end of a run, in place of its bell. */
  readonly notify: boolean;
  readonly color: ColorChoice;
}

/** Undefined where there is no terminal, or nobody in front of it. */
export function openTerminal(
  io: Streams,
  { notify, color }: WatchTerminalOptions,
): WatchTerminal | undefined {
  if (!canRedraw(io.stderr, io.env) || !canReadKeys(io.stdin)) return undefined;
  const hasColor = isColored(color, io.stderr);
  const screen = createScreen(io.stderr, hasColor);
  const aside = screen.above(io.stderr);
  let press = (_key: string): void => {};
  let keys: Keys | undefined;
  let state: Shown | undefined;
  let last: LastResult | undefined;
  let what = '';
  let isUnbuilt = false;
  let phaseSinceMs = performance.now();

  /** The password may be asked for before, and the terminal is needed for that. */
  const takeOver = (): void => {
    keys ??= readKeys(io.stdin, (key) => press(key));
  };
  const draw = (): void => {
    if (state === undefined || keys === undefined) return;
    const inPhaseMs = performance.now() - phaseSinceMs;
    screen.setStatus(statusText({ ...state, last, inPhaseMs }, { hasColor, cells: screen.cells }));
  };
  // The seconds of a build; every other state stands still.
  const ticking = setInterval(() => {
    if (state?.phase === 'building') draw();
  }, 1_000);
  ticking.unref();

  return {
    stdout: io.stdout.isTTY === true ? screen.above(io.stdout) : io.stdout,
    stderr: screen.above(io.stderr),
    aside,
    screen,
    start(controls) {
      const keyboard = createKeyboard({
        controls,
        isPaused: () => state?.isPaused === true,
        builds: () => state?.builds !== false,
        print: (text) => void aside.write(`${text.replace(/\n$/, '')}\n`),
      });
      press = keyboard.press;
    },
    show(next) {
      if (state?.phase !== next.phase) phaseSinceMs = performance.now();
      state = next;
      if (next.phase === 'watching') takeOver();
      draw();
    },
    tell(event) {
      if (event.type === 'build-started' || event.type === 'image-ready') takeOver();
      if (event.type === 'run-started') [what, isUnbuilt] = ['', false];
      if (event.type === 'failed') isUnbuilt ||= event.stage === 'build';
      if (event.type === 'image-ready') what = event.kind === 'filesystem' ? 'file system ' : '';
      if (event.type !== 'done' || event.exitCode > 128) return;
      last = isUnbuilt ? unbuilt(event) : resultOf(event, what);
      draw();
      if (event.deployed.length + event.failed.length === 0) return;
      const names = printable([...event.deployed, ...event.failed].join(', '));
      io.stderr.write(notify ? `\u001B]9;otarc: ${names}: ${last.text}\u0007` : '\u0007');
    },
    close() {
      clearInterval(ticking);
      keys?.close();
      screen.close();
    },
  };
}

function unbuilt({ at }: { readonly at: string }): LastResult {
  return { text: `not built at ${timeOf(at)}, l shows why`, isGood: false };
}

function timeOf(at: string): string {
  return new Date(at).toTimeString().slice(0, 8);
}

/** `what` was deployed: nothing where it is the firmware, which everybody expects. */
function resultOf(
  { ok, deployed, skipped, failed, at }: Extract<DeployEvent, { type: 'done' }>,
  what: string,
): LastResult {
  const time = timeOf(at);
  if (!ok)
    return { text: failed.length > 0 ? `${what}failed at ${time}` : `not built at ${time}`, isGood: false };
  if (deployed.length > 0) return { text: `${what}deployed at ${time}`, isGood: true };
  return { text: `${what}${skipped.length > 0 ? 'unchanged' : 'built'} at ${time}`, isGood: true };
}
