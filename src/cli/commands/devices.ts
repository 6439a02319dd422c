/** `otarc devices`: the devices on the network and in `.otarc`, as they come and go. */

import { loadConfig } from '../../config/index.ts';
import { parseHost } from '../../model/endpoint.ts';
import { canonicalHost } from '../../model/host-name.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import { changesBetween } from '../../network/list/changes.ts';
import { entriesOf, isHere, type ConfiguredEntry, type Entry } from '../../network/list/entries.ts';
import { followDevices, type List } from '../../network/list/follow.ts';
import {
  listenMs,
  openScene,
  openView,
  readFrom,
  type DevicesOptions,
  type Reading,
  type Scene,
  type Table,
} from './devices-view.ts';
import { documentOf, eventOf } from './devices-json.ts';
import { changeText, tableOf } from './devices-text.ts';
import { awaitAnnounced } from '../../network/await-announced.ts';
import { refOf } from '../../network/match.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { cancelled, OtaError } from '../../model/errors.ts';
import { findHost } from '../../network/find-host.ts';
import { exitCodeFor } from '../../model/failure.ts';
import type { Io } from './io.ts';

/** Resolves to the exit code. */
export async function devicesCommand(options: DevicesOptions, io: Io): Promise<number> {
  const { watch, waitFor } = options;
  if (watch && waitFor !== undefined) {
    throw new OtaError('USAGE', '`--watch` does not end, and `--wait-for` does: choose one of them.');
  }
  if (options.outdated) {
    if (watch || waitFor !== undefined) {
      throw new OtaError('USAGE', '`--outdated` compares once: leave `--watch` and `--wait-for` out.');
    }
    const { outdatedCommand } = await import('./devices-outdated.ts');
    return await outdatedCommand(options, io);
  }
  const scene = await openScene(options, io, load(options, io));
  if (waitFor !== undefined) return await wait(waitFor, scene);
  return await (watch ? follow(scene) : list(scene));
}

async function load({ flags }: DevicesOptions, { env, signal }: Io): Promise<Reading> {
  // The question goes out first.
  await new Promise((resolve) => setImmediate(resolve));
  const { config, warnings } = await loadConfig({ command: 'devices', flags, env, signal, findHost });
  return { ...readFrom(config), warnings };
}

const table: Table = ({ entries }, cells) => tableOf(entries, cells);

/** Everything once. On a terminal the table fills while it listens. */
async function list(scene: Scene): Promise<number> {
  const { options, io } = scene;
  const timeoutMs = options.timeoutMs ?? listenMs;
  const footer = `listening for ${timeoutMs / 1000} s`;
  const view = openView(scene, { footer, tableOf: table });
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
  const view = openView(scene, { footer: 'watching; Ctrl-C ends it', tableOf: table });
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

function nobodyText({ canAsk }: List, timeoutMs: number): string {
  return canAsk
    ? `No device announced itself within ${timeoutMs / 1000} s. mDNS reaches neither another subnet nor across a guest Wi-Fi, and a container has a network of its own.`
    : 'Nobody could be asked over mDNS: devices that only announce themselves are not in this list, and those of .otarc were looked up without it.';
}
