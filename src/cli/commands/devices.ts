/** `otarc devices`: the devices on the network and in `.otarc`, as they come and go. */

import { loadConfig } from '../../config/index.ts';
import { parseHost } from '../../model/endpoint.ts';
import { canonicalHost } from '../../model/host-name.ts';
import type { Flags } from '../../config/types.ts';
import { isColored, styled, type ColorChoice } from '../terminal/color.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import { canRedraw, createScreen, type ScreenLine } from '../terminal/screen.ts';
import { changesBetween } from '../../network/list/changes.ts';
import { entriesOf, isHere, type ConfiguredEntry, type Entry } from '../../network/list/entries.ts';
import { interfacesBeforehand } from '../../network/list/interfaces-beforehand.ts';
import { followDevices, type List, type Read } from '../../network/list/follow.ts';
import { documentOf, eventOf } from './devices-json.ts';
import { changeText, tableOf } from './devices-text.ts';
import { awaitAnnounced } from '../../network/await-announced.ts';
import { refOf } from '../../network/match.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { cancelled, OtaError } from '../../model/errors.ts';
import { findHost } from '../../network/find-host.ts';
import { exitCodeFor } from '../../model/failure.ts';
import type { Io } from './io.ts';

export interface DevicesOptions {
  /** `cwd` absolute. */
  readonly flags: Flags;
  readonly json: boolean;
  /** Until it is interrupted, or `timeoutMs` is over. */
  readonly watch: boolean;
  /** Ends as soon as this device, by name or address, is there. */
  readonly waitFor?: string | undefined;
  /** How long to listen. Default: 3 s; with `watch` and `waitFor`: for ever. */
  readonly timeoutMs?: number | undefined;
  readonly color: ColorChoice;
}

const listenMs = 3000;

/** Resolves to the exit code. */
export async function devicesCommand(options: DevicesOptions, io: Io): Promise<number> {
  const { flags, watch, waitFor } = options;
  if (watch && waitFor !== undefined) {
    throw new OtaError('USAGE', '`--watch` does not end, and `--wait-for` does: choose one of them.');
  }
  const beforehand = interfacesBeforehand(flags, io.env);
  const reading = load(options, io);
  const interfaces = beforehand ?? (await reading).interfaces;
  const scene: Scene = { options, io, interfaces, reading };
  if (waitFor !== undefined) return await wait(waitFor, scene);
  return await (watch ? follow(scene) : list(scene));
}

interface Scene {
  readonly options: DevicesOptions;
  readonly io: Io;
  readonly interfaces: readonly string[];
  readonly reading: Promise<Read>;
}

async function load(
  { flags }: DevicesOptions,
  { env, signal }: Io,
): Promise<Read & { readonly interfaces: readonly string[] }> {
  // The question goes out first.
  await new Promise((resolve) => setImmediate(resolve));
  const { config, warnings } = await loadConfig({ command: 'devices', flags, env, signal, findHost });
  const configured = config.devices.map(({ credentialSource, ...device }) => ({
    ...device,
    hasPassword: credentialSource.type !== 'none',
  }));
  return { configured, interfaces: config.adHoc.device.interfaces, warnings };
}

/** Everything once. On a terminal the table fills while it listens. */
async function list(scene: Scene): Promise<number> {
  const { options, io } = scene;
  const timeoutMs = options.timeoutMs ?? listenMs;
  const view = openView(scene, `listening for ${timeoutMs / 1000} s`);
  let last: List = { entries: [], warnings: [], problems: [], canAsk: true };
  await followDevices({
    ...scene,
    signal: io.signal,
    forMs: timeoutMs,
    onChange: (now) => {
      last = now;
      view.draw(now);
    },
  });
  if (io.signal.aborted) return exitCodeFor(cancelled(io.signal));
  if (options.json) {
    io.stdout.write(`${jsonText(documentOf(last), { indent: 2 })}\n`);
    return 0;
  }
  view.finish(last);
  if (!last.entries.some(isHere)) {
    printLine(io.stderr, nobodyText(last, timeoutMs));
  }
  return 0;
}

/** As they come and go. */
async function follow(scene: Scene): Promise<number> {
  const { options, io } = scene;
  const view = openView(scene, 'watching; Ctrl-C ends it');
  let [known, told]: [readonly Entry[], number] = [[], 0];
  const print = (value: object): void => void io.stdout.write(`${jsonText(value)}\n`);
  const onChange = (now: List): void => {
    view.draw(now);
    if (view.isLive) return;
    const at = new Date();
    const messages = [...now.warnings, ...now.problems];
    if (options.json) {
      for (const message of messages.slice(told)) {
        print({ type: 'log', level: 'warn', message, at: at.toISOString() });
      }
    }
    told = messages.length;
    for (const change of changesBetween(known, now.entries)) {
      if (options.json) print(eventOf(change, at));
      else printLine(io.stdout, `${at.toTimeString().slice(0, 8)}  ${changeText(change)}`);
    }
    known = now.entries;
  };
  await followDevices({ ...scene, signal: io.signal, forMs: options.timeoutMs, onChange });
  return io.signal.aborted ? exitCodeFor(cancelled(io.signal)) : 0;
}

/** Until that one is there. */
async function wait(wanted: string, scene: Scene): Promise<number> {
  const { options, io, interfaces } = scene;
  const { configured, warnings } = await scene.reading;
  const typed = parseHost(wanted) ?? { host: wanted };
  const isWanted = ({ name, host }: ConfiguredEntry): boolean =>
    [name, host].some((each) => canonicalHost(each) === canonicalHost(typed.host));
  const devices = configured.filter(isWanted);
  const [device] = devices;
  const meant = devices.length === 1 ? device : undefined;
  // A port that was typed goes before that of the file, as it does for a push.
  const port = typed.port ?? meant?.port;
  const ref = refOf({ name: typed.host, ...typed, ...meant, ...withoutUndefined({ port }) });
  const say = (message: string): void => {
    if (!options.json) printLine(io.stderr, `otarc devices: ${message}`);
  };
  warnings.forEach(say);
  if (options.timeoutMs === undefined && io.stderr.isTTY === true) {
    say(`waiting for ${wanted}; Ctrl-C ends it`);
  }
  const found = await awaitAnnounced(ref, {
    signal: io.signal,
    timeoutMs: options.timeoutMs,
    interfaces,
    onProblem: say,
  });
  const state = { checks: new Map(), isSettled: true, canAsk: true };
  const entries = entriesOf({ configured: devices, found, ...state });
  if (options.json) {
    io.stdout.write(
      `${jsonText(documentOf({ entries, warnings, problems: [], canAsk: true }), { indent: 2 })}\n`,
    );
  } else {
    for (const line of tableOf(entries, Infinity)) printLine(io.stdout, line.text);
  }
  return 0;
}

interface View {
  /** It is a table on a terminal. */
  readonly isLive: boolean;
  draw(list: List): void;
  finish(list: List): void;
}

/** What a person sees; nothing of it for `--json`. */
function openView({ options, io }: Scene, footer: string): View {
  const { json, color } = options;
  const isLive = !json && canRedraw(io.stdout, io.env);
  const hasColor = isColored(color, io.stdout);
  let told = 0;
  if (!isLive) {
    const tell = (message: string): void => {
      if (!json) printLine(io.stderr, `warning: ${message}`);
    };
    return {
      isLive,
      draw: ({ warnings, problems }) => {
        const messages = [...warnings, ...problems];
        messages.slice(told).forEach(tell);
        told = messages.length;
      },
      finish: ({ entries }) => {
        for (const { text, style } of tableOf(entries, Infinity)) {
          io.stdout.write(`${styled(text, style, hasColor)}\n`);
        }
      },
    };
  }
  const screen = createScreen(io.stdout, hasColor);
  const linesOf = ({ entries, warnings, problems }: List): ScreenLine[] => [
    ...tableOf(entries, screen.cells),
    ...[...warnings, ...problems].map((text): ScreenLine => ({ text: `warning: ${text}`, style: 'yellow' })),
  ];
  return {
    isLive,
    draw: (list) => screen.draw(linesOf(list), { text: footer, style: 'dim' }),
    finish: (list) => screen.finish(linesOf(list)),
  };
}

function nobodyText({ canAsk }: List, timeoutMs: number): string {
  return canAsk
    ? `No device announced itself within ${timeoutMs / 1000} s. mDNS reaches neither another subnet nor across a guest Wi-Fi, and a container has a network of its own.`
    : 'Nobody could be asked over mDNS: devices that only announce themselves are not in this list, and those of .otarc were looked up without it.';
}
